"""What tests of inference components share: an account with endpoints that host them."""
from __future__ import annotations

import json
from typing import Any

from sagemaker_account import IMAGE, ROLE, Account, until

SMALL = {"MinMemoryRequiredInMb": 1024}
PER_INSTANCE = {"MinMemoryRequiredInMb": 128, "NumberOfCpuCoresRequired": 2}
"""A copy that has an ml.m5.large, 2 cores, to itself."""


class ComponentAccount(Account):
    def model(self, name: str, weight: str = "1", **program: str) -> str:
        url = self.artifact(name, weight, **program)
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
        return url

    def host_config(self, name: str, least: int = 1, most: int = 2, **more: Any) -> None:
        variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **more}
        if most > least:
            variant["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": least, "MaxInstanceCount": most}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[variant])

    def hosts(self, name: str, least: int = 1, most: int = 2, **more: Any) -> None:
        """An endpoint for components, on a configuration of its name."""
        self.host_config(name, least, most, **more)
        self.endpoint(name, name)

    def create_component(self, name: str, endpoint: str, copies: int = 1, compute: dict | None = None, model: str | None = None, **more: Any) -> None:
        specification = {"ModelName": model or name, "ComputeResourceRequirements": compute or SMALL}
        self.sagemaker.create_inference_component(
            InferenceComponentName=name, EndpointName=endpoint, VariantName="AllTraffic", **{"Specification": specification, "RuntimeConfig": {"CopyCount": copies}, **more}
        )

    def component(self, name: str, endpoint: str, copies: int = 1, compute: dict | None = None, weight: str = "1", **program: str) -> dict:
        """A model and a component of one name, once it settled."""
        self.model(name, weight, **program)
        self.create_component(name, endpoint, copies, compute)
        return self.component_settled(name)

    def describe_component(self, name: str) -> dict:
        return self.sagemaker.describe_inference_component(InferenceComponentName=name)

    def component_settled(self, name: str, seconds: float = 30) -> dict:
        return until(lambda: (found := self.describe_component(name))["InferenceComponentStatus"] not in ("Creating", "Updating") and found, seconds)

    def scale(self, name: str, copies: int) -> dict:
        self.sagemaker.update_inference_component_runtime_config(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": copies})
        return self.component_settled(name)

    def delete_component(self, name: str) -> None:
        self.sagemaker.delete_inference_component(InferenceComponentName=name)
        until(lambda: name not in self.components())

    def components(self, **wanted: str) -> list[str]:
        return [one["InferenceComponentName"] for one in self.sagemaker.list_inference_components(MaxResults=100, **wanted)["InferenceComponents"]]

    def ask(self, endpoint: str, component: str, data: Any = 1) -> dict:
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, InferenceComponentName=component, ContentType="application/json", Body=json.dumps(data)
        )
        return json.loads(answer["Body"].read())

    def instances(self, endpoint: str) -> int:
        return self.describe(endpoint)["ProductionVariants"][0]["CurrentInstanceCount"]
