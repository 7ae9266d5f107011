"""Applications that people open through the portal, and who may."""
