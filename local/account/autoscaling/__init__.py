"""Application Auto Scaling. A kind of resource becomes scalable by `dimensions.register(Dimension(...))` before the account serves requests."""
from __future__ import annotations

from .api import call

__all__ = ["call", "register_all"]


def register_all() -> None:
    """Registers the CloudFormation types and the account's dimensions, and starts to act."""
    from ..alarms import actions
    from ..sagemaker import control_plane
    from . import api, components, dimensions, engine, templates, variants

    dimensions.register(variants.DIMENSION)
    dimensions.register(components.DIMENSION)
    control_plane.AUTOSCALED = lambda endpoint, variant: api.scales(f"endpoint/{endpoint}/variant/{variant}")
    actions.SCALES = engine.called
    templates.register_all()
    engine.install()
