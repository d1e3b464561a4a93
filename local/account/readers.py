"""One reader for each CloudFormation type: (physical id, ids of the resources of another type) -> truth."""
from __future__ import annotations

from typing import Any, Callable

from . import aws

Others = Callable[[str], list[str]]
Reader = Callable[[str, Others], Any]

# Pseudo resources: CloudFormation itself is their service.
NOT_RESOURCES = {"AWS::CDK::Metadata", "AWS::CloudFormation::CustomResource", "AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"}


def _api(call: Callable[..., Any]) -> Reader:
    """A reader of a part of a REST API: tries each API that the stacks have."""

    def read(physical_id: str, others: Others) -> bool:
        for api in others("AWS::ApiGateway::RestApi"):
            try:
                call(aws.client("apigateway"), api, physical_id)
                return True
            except Exception:
                continue
        return False

    return read


def _method(client: Any, api: str, physical_id: str) -> Any:
    _, resource, verb = physical_id.split("-", 2)
    return client.get_method(restApiId=api, resourceId=resource, httpMethod=verb)


def _gateway_response(client: Any, api: str, physical_id: str) -> Any:
    return client.get_gateway_response(restApiId=api, responseType=physical_id.rsplit("/", 1)[-1])


def _queue(url: str, others: Others) -> Any:
    return aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def _bucket(name: str, others: Others) -> Any:
    s3 = aws.client("s3")
    s3.head_bucket(Bucket=name)
    return s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]


def _bucket_policy(physical_id: str, others: Others) -> bool:
    return aws.client("s3").get_bucket_policy(Bucket=physical_id.removesuffix("-policy"))["Policy"]


def _tables(database: str) -> Any:
    return aws.client("glue").get_tables(DatabaseName=database)["TableList"]


def _alarm(name: str, others: Others) -> Any:
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return found["MetricAlarms"] + found["CompositeAlarms"]


def _inline_policy(physical_id: str, others: Others) -> bool:
    """The policy is on a role (or user) of the stack, or on an imported one, which this cannot see."""
    iam = aws.client("iam")
    names = [name for role in others("AWS::IAM::Role") for name in iam.list_role_policies(RoleName=role)["PolicyNames"]]
    names += [name for user in others("AWS::IAM::User") for name in iam.list_user_policies(UserName=user)["PolicyNames"]]
    return bool(names) and any(name == physical_id or physical_id.endswith(name) or name in physical_id for name in names)


def _permission(physical_id: str, others: Others) -> bool:
    return any(physical_id in _policy_of(function) for function in others("AWS::Lambda::Function"))


def _policy_of(function: str) -> str:
    try:
        return aws.client("lambda").get_policy(FunctionName=function)["Policy"]
    except Exception:
        return ""


def _invoke_config(physical_id: str, others: Others) -> bool:
    client = aws.client("lambda")
    return any(client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"] for function in others("AWS::Lambda::Function"))


def _route_tables() -> list[dict[str, Any]]:
    return aws.client("ec2").describe_route_tables()["RouteTables"]


def _association(physical_id: str, others: Others) -> bool:
    found = [association["RouteTableAssociationId"] for table in _route_tables() for association in table["Associations"]]
    return physical_id in found


def _route(physical_id: str, others: Others) -> bool:
    """Ids of routes are made up by CloudFormation: a table of the stack must have more than its local route."""
    tables = [table for table in _route_tables() if table["RouteTableId"] in others("AWS::EC2::RouteTable")]
    return any(len(table["Routes"]) > 1 for table in tables)


def _attachment(physical_id: str, others: Others) -> bool:
    gateways = aws.client("ec2").describe_internet_gateways(InternetGatewayIds=others("AWS::EC2::InternetGateway"))["InternetGateways"]
    return any(gateway["Attachments"] for gateway in gateways)


def _rule(physical_id: str, others: Others) -> Any:
    """The emulator's id of a rule leaves out its bus."""
    events, (_, _, name) = aws.client("events"), physical_id.rpartition("|")
    buses = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    return any(name in [rule["Name"] for rule in events.list_rules(EventBusName=bus, NamePrefix=name)["Rules"]] for bus in buses)


def _log_group(name: str, others: Others) -> bool:
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


def _ec2(call: str, argument: str, answer: str) -> Reader:
    return lambda physical_id, others: getattr(aws.client("ec2"), call)(**{argument: [physical_id]})[answer]


def _topic_policy(physical_id: str, others: Others) -> bool:
    topics = others("AWS::SNS::Topic")
    return any('"Statement"' in aws.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy", "") for topic in topics)


def _queue_policy(physical_id: str, others: Others) -> bool:
    return any("Policy" in _queue(url, others) for url in others("AWS::SQS::Queue"))


def _scaling_target(physical_id: str, others: Others) -> bool:
    resource, _, namespace = physical_id.split("|")
    found = aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace=namespace, ResourceIds=[resource])
    return bool(found["ScalableTargets"])


def _scaling_policy(physical_id: str, others: Others) -> bool:
    found = aws.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return any(policy["PolicyARN"] == physical_id for policy in found)


def _account_role(physical_id: str, others: Others) -> bool:
    return bool(aws.client("apigateway").get_account().get("cloudwatchRoleArn"))


READERS: dict[str, Reader] = {
    "AWS::ApiGateway::Account": _account_role,
    "AWS::ApiGateway::Deployment": _api(lambda client, api, id: client.get_deployment(restApiId=api, deploymentId=id)),
    "AWS::ApiGateway::GatewayResponse": _api(_gateway_response),
    "AWS::ApiGateway::Method": _api(_method),
    "AWS::ApiGateway::Model": _api(lambda client, api, id: client.get_model(restApiId=api, modelName=id)),
    "AWS::ApiGateway::RequestValidator": _api(lambda client, api, id: client.get_request_validator(restApiId=api, requestValidatorId=id)),
    "AWS::ApiGateway::Resource": _api(lambda client, api, id: client.get_resource(restApiId=api, resourceId=id)),
    "AWS::ApiGateway::RestApi": lambda id, others: aws.client("apigateway").get_rest_api(restApiId=id),
    "AWS::ApiGateway::Stage": _api(lambda client, api, id: client.get_stage(restApiId=api, stageName=id)),
    "AWS::ApplicationAutoScaling::ScalableTarget": _scaling_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _scaling_policy,
    "AWS::Athena::WorkGroup": lambda id, others: aws.client("athena").get_work_group(WorkGroup=id)["WorkGroup"]["Configuration"],
    "AWS::Budgets::Budget": lambda id, others: aws.client("budgets").describe_budget(AccountId=aws.ACCOUNT_ID, BudgetName=id)["Budget"],
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _alarm,
    "AWS::CloudWatch::Dashboard": lambda id, others: aws.client("cloudwatch").get_dashboard(DashboardName=id)["DashboardBody"],
    "AWS::DynamoDB::GlobalTable": lambda id, others: aws.client("dynamodb").describe_table(TableName=id)["Table"],
    "AWS::DynamoDB::Table": lambda id, others: aws.client("dynamodb").describe_table(TableName=id)["Table"],
    "AWS::EC2::FlowLog": _ec2("describe_flow_logs", "FlowLogIds", "FlowLogs"),
    "AWS::EC2::InternetGateway": _ec2("describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": _ec2("describe_route_tables", "RouteTableIds", "RouteTables"),
    "AWS::EC2::SecurityGroup": _ec2("describe_security_groups", "GroupIds", "SecurityGroups"),
    "AWS::EC2::SecurityGroupEgress": _ec2("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules"),
    "AWS::EC2::SecurityGroupIngress": _ec2("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules"),
    "AWS::EC2::Subnet": _ec2("describe_subnets", "SubnetIds", "Subnets"),
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": _ec2("describe_vpcs", "VpcIds", "Vpcs"),
    "AWS::EC2::VPCEndpoint": _ec2("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints"),
    "AWS::EC2::VPCGatewayAttachment": _attachment,
    "AWS::Events::Archive": lambda id, others: aws.client("events").describe_archive(ArchiveName=id)["ArchiveArn"],
    "AWS::Events::EventBus": lambda id, others: aws.client("events").describe_event_bus(Name=id)["Arn"],
    "AWS::Events::Rule": _rule,
    "AWS::Glue::Database": lambda id, others: aws.client("glue").get_database(Name=id)["Database"],
    "AWS::Glue::Table": lambda id, others: [table for database in others("AWS::Glue::Database") for table in _tables(database) if table["Name"] == id],
    "AWS::IAM::ManagedPolicy": lambda id, others: aws.client("iam").get_policy(PolicyArn=id)["Policy"],
    "AWS::IAM::Policy": _inline_policy,
    "AWS::IAM::Role": lambda id, others: aws.client("iam").get_role(RoleName=id)["Role"],
    "AWS::KMS::Alias": lambda id, others: [a for a in aws.client("kms").list_aliases()["Aliases"] if a["AliasName"] == id],
    "AWS::KMS::Key": lambda id, others: aws.client("kms").describe_key(KeyId=id)["KeyMetadata"],
    "AWS::Lambda::EventInvokeConfig": _invoke_config,
    "AWS::Kinesis::Stream": lambda id, others: aws.client("kinesis").describe_stream_summary(StreamName=id)["StreamDescriptionSummary"],
    "AWS::Lambda::EventSourceMapping": lambda id, others: aws.client("lambda").get_event_source_mapping(UUID=id)["UUID"],
    "AWS::Lambda::Function": lambda id, others: aws.client("lambda").get_function(FunctionName=id)["Configuration"],
    "AWS::Lambda::LayerVersion": lambda id, others: aws.client("lambda").get_layer_version_by_arn(Arn=id)["Version"],
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Subscription": lambda id, others: aws.client("sns").get_subscription_attributes(SubscriptionArn=id)["Attributes"],
    "AWS::SNS::Topic": lambda id, others: aws.client("sns").get_topic_attributes(TopicArn=id)["Attributes"],
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::SSM::Parameter": lambda id, others: aws.client("ssm").get_parameter(Name=id)["Parameter"],
    "AWS::SageMaker::Endpoint": lambda id, others: aws.client("sagemaker").describe_endpoint(EndpointName=id.rsplit("/", 1)[-1])["EndpointArn"],
    "AWS::SageMaker::EndpointConfig": lambda id, others: aws.client("sagemaker").describe_endpoint_config(EndpointConfigName=id.rsplit("/", 1)[-1])["EndpointConfigArn"],
    "AWS::SageMaker::InferenceComponent": lambda id, others: aws.client("sagemaker").describe_inference_component(InferenceComponentName=id.rsplit("/", 1)[-1])["InferenceComponentStatus"] == "InService",
    "AWS::SageMaker::Model": lambda id, others: aws.client("sagemaker").describe_model(ModelName=id.rsplit("/", 1)[-1])["ModelArn"],
    "AWS::SageMaker::ModelPackageGroup": lambda id, others: aws.client("sagemaker").describe_model_package_group(ModelPackageGroupName=id)["ModelPackageGroupArn"],
    "AWS::Scheduler::Schedule": lambda id, others: aws.client("scheduler").get_schedule(Name=id.rsplit("/", 1)[-1])["Arn"],
    "AWS::StepFunctions::StateMachine": lambda id, others: aws.client("stepfunctions").describe_state_machine(stateMachineArn=id)["status"],
}
