"""How a project in Python tests against the emulator: pytest, with boto3, and clipfs in the PATH."""

import datetime
import json
import subprocess
import urllib.request

import boto3
import pytest


@pytest.fixture(scope="session")
def process():
    command = ["clipfs", "emulator", "--listen", "127.0.0.1:0", "--stream", "door=testcard"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        yield json.loads(emulator.stdout.readline())
        emulator.terminate()


@pytest.fixture
def emulator(process):
    """Gives what sets the emulator, which is as it was at the start."""

    def call(path, body=""):
        request = urllib.request.Request(process["endpoint"] + "/_emulator/" + path, data=body.encode())
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    call("reset?streams=1&faults=1&payload=1&clock=1")
    return call


def client(name, url):
    return boto3.client(name, endpoint_url=url, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any")


@pytest.fixture
def video(process, emulator):
    return client("kinesisvideo", process["endpoint"])


def archive(video, stream, api):
    return client("kinesis-video-archived-media", video.get_data_endpoint(StreamName=stream, APIName=api)["DataEndpoint"])


def test_clip(video):
    end = datetime.datetime.now(datetime.timezone.utc)
    selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {
        "StartTimestamp": end - datetime.timedelta(seconds=60), "EndTimestamp": end}}
    clip = archive(video, "door", "GET_CLIP").get_clip(StreamName="door", ClipFragmentSelector=selector)
    assert clip["ContentType"] == "video/mp4"
    assert clip["Payload"].read()[4:8] == b"ftyp"


def test_streams_are_gone_after_a_reset(video, emulator):
    video.create_stream(StreamName="yard")
    emulator("reset?streams=1")
    assert [s["StreamName"] for s in video.list_streams()["StreamInfoList"]] == ["door"]


def test_service_fails_once(video, emulator):
    emulator("faults", "kind=status,api=DescribeStream,status=503,count=1")
    assert video.describe_stream(StreamName="door")["StreamInfo"]["Status"] == "ACTIVE"


def test_next_year(video, emulator):
    emulator("clock", "set=2031-01-01T10:00:00Z")
    video.create_stream(StreamName="yard")
    assert video.describe_stream(StreamName="yard")["StreamInfo"]["CreationTime"].year == 2031
