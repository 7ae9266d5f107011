"""The doctor examines elements and the portal.

It makes harmless calls and names the remedy of each problem.
"""

from portal.elements.doctor.element import Doctor, examine
from portal.elements.doctor.examination import OK, PROBLEM, SKIPPED, WARNING, Finding, Place

__all__ = ["OK", "PROBLEM", "SKIPPED", "WARNING", "Doctor", "Finding", "Place", "examine"]
