"""What stands in the panel's fields about a subject's costume, between two pictures."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Costume:
    """whose and character tell whether the fields are still about what the subject wears.

    fit     words of the profile; person: of the recipe, where it is a person that was made
    roles   the joints' roles, and role: the one whose rest pose is being turned
    """

    whose: str = ""
    character: str = ""
    fit: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    role: str = ""

    def follow(
        self, whose: str, character: str, profile: dict[str, Any], person: dict[str, Any]
    ) -> None:
        """Takes what the stage says, where it is another subject or another character."""
        if (whose, character) == (self.whose, self.character):
            return
        self.whose, self.character = whose, character
        self.fit, self.person = copy.deepcopy(profile), copy.deepcopy(person)
        self.roles, self.role = tuple(self.fit.pop("roles", ())), ""
