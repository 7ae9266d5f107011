"""The guard, which stops a run that would take the access of many people."""

FEW_LOSSES, SHARE_OF_LOSSES = 10, 0.1  # people, or share of the people who may sign in, that need no yes


class SyncGuarded(Exception):
    """So many people would lose their access that an administrator has to agree first."""


def check_losses(losing: int, active_before: int, accepted: int | None) -> None:
    """Raise where a loss of access looks like a mistake.

    :param losing: people who would lose their access.
    :param active_before: people listed or in use who may sign in.
    :param accepted: the losses that an administrator has agreed to; a few more are allowed.
    :raises SyncGuarded: when there are more than allowed.
    """
    allowed = max(FEW_LOSSES, SHARE_OF_LOSSES * active_before)
    if accepted is not None:
        allowed = max(allowed, accepted + FEW_LOSSES)
    if losing > allowed:
        raise SyncGuarded()
