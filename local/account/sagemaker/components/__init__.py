"""Inference components: models that share the instances of one endpoint."""
