"""The doctor: looks at an element, or at the portal itself, by harmless calls and says what to mend, and where."""

from portal.elements.doctor.element import Doctor, examine
from portal.elements.doctor.examination import OK, PROBLEM, SKIPPED, WARNING, Finding, Place

__all__ = ["OK", "PROBLEM", "SKIPPED", "WARNING", "Doctor", "Finding", "Place", "examine"]
