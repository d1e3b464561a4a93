"""SageMaker in the local account: control plane, model host and runtime API."""
