"""The guard against runs that take many people's access."""

FEW_LOSSES, SHARE_OF_LOSSES = 10, 0.1  # people, or share of the people that may sign in, that need no yes


class SyncGuarded(Exception):
    """An administrator has to agree to the losses first."""


def check_losses(losing: int, active_before: int, accepted: int | None) -> None:
    """Raise where a loss of access looks like a mistake.

    :param losing: people that would lose their access.
    :param active_before: people listed or in use that may sign in.
    :param accepted: the losses that an administrator has agreed to; a few more are allowed.
    :raises SyncGuarded: when there are more than allowed.
    """
    allowed = max(FEW_LOSSES, SHARE_OF_LOSSES * active_before)
    if accepted is not None:
        allowed = max(allowed, accepted + FEW_LOSSES)
    if losing > allowed:
        raise SyncGuarded()
