"""Starts MiniStack 1.5.33 with what AWS does and it does not, as far as the relay's stack needs it.

Each patch names the page that says what is right, and can go when a newer version does it.
"""

import string
import sys

from ministack.app import main
from ministack.services import ecs
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners


def exclude_punctuation(secret_string):
    """AWS::SecretsManager::Secret GenerateSecretString, ExcludePunctuation: the password stands in a URL."""

    def patched(props):
        generate = dict(props.get("GenerateSecretString") or {})
        if generate.get("ExcludePunctuation"):
            generate["ExcludeCharacters"] = generate.get("ExcludeCharacters", "") + string.punctuation
            props = {**props, "GenerateSecretString": generate}
        return secret_string(props)

    return patched


def whole_desired_count(call):
    """AWS::ECS::Service DesiredCount is an integer, also where a parameter gives it, whose values are texts."""

    def patched(data):
        if data.get("desiredCount") is not None:
            data = {**data, "desiredCount": int(data["desiredCount"])}
        return call(data)

    return patched


def all_in_api_case(normalize):
    """DescribeTaskDefinition answers in the case of the API, its secrets too."""
    return lambda definitions: provisioners._pascal_to_camel(normalize(definitions))


def remember_change_set(execute, update):
    """The Stack of DescribeStacks has the ChangeSetId of its last operation, if that was a change set's."""
    newest = {}

    def executed(params):
        change_set_id, change_set = changesets._find_change_set(
            helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
        )
        answer = execute(params)
        if answer[0] == 200:
            newest[change_set["StackId"]] = change_set_id
        return answer

    def updated(params):
        answer = update(params)
        for stack_id in list(newest):
            if answer[0] == 200 and stack_id.encode() in answer[2]:
                del newest[stack_id]
        return answer

    def told(describe):
        def patched(params):
            status, headers, body = describe(params)
            for stack_id, change_set_id in newest.items():
                element = f"<StackId>{stack_id}</StackId>"
                body = body.replace(
                    element.encode(), f"{element}<ChangeSetId>{change_set_id}</ChangeSetId>".encode()
                )
            return status, headers, body

        return patched

    return executed, updated, told


# Properties whose change replaces the resource ("Update requires: Replacement" on the type's page of the CloudFormation
# template reference). Of a type that is not listed the emulator says Conditionally of every property.
REPLACING = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::ECS::Service": ("Cluster", "LaunchType", "Role", "SchedulingStrategy", "ServiceName"),
    "AWS::ECS::TaskDefinition": (
        "ContainerDefinitions",
        "Cpu",
        "EphemeralStorage",
        "ExecutionRoleArn",
        "Family",
        "Memory",
        "NetworkMode",
        "RequiresCompatibilities",
        "RuntimePlatform",
        "TaskRoleArn",
        "Volumes",
    ),
}

actions = handlers._ACTION_HANDLERS
executed, updated, told = remember_change_set(actions["ExecuteChangeSet"], actions["UpdateStack"])
actions.update(
    ExecuteChangeSet=executed, UpdateStack=updated, DescribeStacks=told(actions["DescribeStacks"])
)
provisioners._REPLACING_PROPERTIES.update(REPLACING)
provisioners._normalize_container_defs = all_in_api_case(provisioners._normalize_container_defs)
provisioners._sm_secret_string = exclude_punctuation(provisioners._sm_secret_string)
ecs._create_service = whole_desired_count(ecs._create_service)
ecs._update_service = whole_desired_count(ecs._update_service)

if __name__ == "__main__":
    sys.exit(main())
