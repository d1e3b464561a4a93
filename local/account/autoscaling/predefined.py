"""The metrics behind SageMaker's predefined types, by dimension.

Types: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html. Names and statistics:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html: what is counted by request is a sum; what is sampled every ten
seconds has a minimum and a maximum only, of which scaling must hold the maximum.
"""
from __future__ import annotations

from .dimensions import Metric

INSTANCES = {
    "SageMakerVariantInvocationsPerInstance": Metric("InvocationsPerInstance", "Sum"),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": Metric("ConcurrentRequestsPerModel", "Maximum", 10),
}
COPIES = {
    "SageMakerInferenceComponentInvocationsPerCopy": Metric("InvocationsPerCopy", "Sum"),
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": Metric("ConcurrentRequestsPerCopy", "Maximum", 10),
}
