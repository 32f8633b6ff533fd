"""What engagements tell the other parts of services."""

from __future__ import annotations

from dataclasses import dataclass

from portal.services.engagements.models import Engagement, Milestone


@dataclass(frozen=True, slots=True)
class EngagementOpened:
    """Work was ordered and is planned."""

    engagement: Engagement


@dataclass(frozen=True, slots=True)
class EngagementStarted:
    """Work began: contract, cover, team and acceptor are there."""

    engagement: Engagement


@dataclass(frozen=True, slots=True)
class MilestoneAccepted:
    """A milestone was accepted, or deemed so."""

    milestone: Milestone
    deemed: bool


@dataclass(frozen=True, slots=True)
class EngagementEnded:
    """Work was closed or terminated."""

    engagement: Engagement
