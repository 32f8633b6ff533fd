"""What the job board tells the rest of recruitment, and others."""

from __future__ import annotations

from dataclasses import dataclass

from portal.jobs.models import Post


@dataclass(frozen=True, slots=True)
class PostOpened:
    """A post is live: approved for the first time, renewed, resumed, or shown with another text."""

    post: Post


@dataclass(frozen=True, slots=True)
class PostClosed:
    """A post is filled, expired or removed: it is gone from the board, `post.state` says which."""

    post: Post
