"""Everything that is true of Feishu and Lark only."""
