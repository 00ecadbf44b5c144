"""Calls each operation that the emulator has, to succeed and to fail, and holds each answer against the service's model.

Prints JSON: the members that an answer has and the model does not, those that it lacks, and the error of each call that fails.
In the environment: ENDPOINT, the emulator's control API.
"""
import datetime
import json
import os
import sys
import urllib.request

import boto3

ENDPOINT = os.environ["ENDPOINT"]
# Members that an answer has only where there is something to tell.
OPTIONAL = {"NextToken", "DeviceName", "MediaType"}
out = {"unknown": [], "missing": [], "called": [], "errors": {}}


def compare(shape, value, at):
    if shape.type_name == "structure":
        for name in set(value) - set(shape.members):
            out["unknown"].append(at + "." + name)
        for name, member in shape.members.items():
            if name in value:
                compare(member, value[name], at + "." + name)
            elif name not in OPTIONAL:
                out["missing"].append(at + "." + name)
    elif shape.type_name == "list":
        for v in value:
            compare(shape.member, v, at + "[]")


def check(http_response, model, **_):
    if http_response.status_code != 200:
        return
    out["called"].append(model.name)
    if model.name not in ("GetClip", "GetMedia", "GetMediaForFragmentList"):  # which answer media
        body = json.loads(http_response.content)
        if model.output_shape:
            compare(model.output_shape, body, model.name)
        elif body:
            out["unknown"].append(model.name)


def client(service, endpoint):
    c = boto3.client(service, endpoint_url=endpoint)
    c.meta.events.register("after-call", check)
    return c


def fault(rule):
    request = urllib.request.Request(ENDPOINT + "/_emulator/faults", rule.encode(), method="POST" if rule else "DELETE")
    urllib.request.urlopen(request).close()


def fail(call, **arguments):
    """Notes the class of the error of a call."""
    try:
        call(**arguments)
        name = "none"
    except c.exceptions.ClientError as e:
        name = type(e).__name__
        if name != e.response["Error"]["Code"] or not e.response["Error"]["Message"]:
            name += " " + str(e.response["Error"])
    out["errors"].setdefault(call.__name__, []).append(name)


c = client("kinesisvideo", ENDPOINT)
arn = c.create_stream(StreamName="a", DeviceName="d", MediaType="video/h264", DataRetentionInHours=1, Tags={"k": "v"},
                      KmsKeyId="alias/x")["StreamARN"]
gone = arn.replace("/a/", "/gone/")
c.create_stream(StreamName="unkept")
c.list_streams(MaxResults=1)
version = c.describe_stream(StreamName="a")["StreamInfo"]["Version"]
c.update_stream(StreamName="a", CurrentVersion=version, DeviceName="e")
version = c.describe_stream(StreamARN=arn)["StreamInfo"]["Version"]
c.update_data_retention(StreamName="a", CurrentVersion=version, Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=1)
c.tag_stream(StreamName="a", Tags={"l": "w"})
c.untag_stream(StreamName="a", TagKeyList=["k"])
c.list_tags_for_stream(StreamName="a")
destination = {"Uri": "s3://bucket", "DestinationRegion": "us-east-1"}
generation = {"Status": "ENABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "DestinationConfig": destination, "SamplingInterval": 3000,
              "Format": "JPEG", "FormatConfig": {"JPEGQuality": "80"}, "WidthPixels": 320, "HeightPixels": 180}
c.update_image_generation_configuration(StreamName="a", ImageGenerationConfiguration=generation)
c.describe_image_generation_configuration(StreamName="a")
notification = {"Status": "ENABLED", "DestinationConfig": {"Uri": "arn:aws:sns:us-east-1:000000000000:topic"}}
c.update_notification_configuration(StreamARN=arn, NotificationConfiguration=notification)
c.describe_notification_configuration(StreamName="a")
archive = client("kinesis-video-archived-media", c.get_data_endpoint(StreamName="card", APIName="LIST_FRAGMENTS")["DataEndpoint"])
now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
span = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {
    "StartTimestamp": now - datetime.timedelta(seconds=60), "EndTimestamp": now - datetime.timedelta(seconds=31)}}
archive.list_fragments(StreamName="card", FragmentSelector=span, MaxResults=4)
archive.get_clip(StreamName="card", ClipFragmentSelector=span)["Payload"].read()
number = archive.list_fragments(StreamName="card", FragmentSelector=span)["Fragments"][0]["FragmentNumber"]
archive.get_media_for_fragment_list(StreamName="card", Fragments=[number])["Payload"].read()
video = client("kinesis-video-media", c.get_data_endpoint(StreamName="card", APIName="GET_MEDIA")["DataEndpoint"])
first = video.get_media(StreamName="card", StartSelector={"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number})
first["Payload"].read(100)
first["Payload"].close()
for of in (archive.get_hls_streaming_session_url, archive.get_dash_streaming_session_url):
    of(StreamName="card", PlaybackMode="LIVE", Expires=300)

fail(c.create_stream, StreamName="a")
fail(c.create_stream, StreamName="a b")
fail(c.describe_stream, StreamName="gone")
fail(c.describe_stream, StreamName="a", StreamARN=arn)
fail(c.list_streams, NextToken="AAAA")
fail(c.update_stream, StreamName="a", CurrentVersion="x")
fail(c.update_stream, StreamName="gone", CurrentVersion="x")
fail(c.update_stream, StreamName="a", CurrentVersion="x", DeviceName="a b")
retention = {"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 1, "CurrentVersion": "x"}
fail(c.update_data_retention, StreamName="a", **retention)
fail(c.update_data_retention, StreamName="gone", **retention)
fail(c.update_data_retention, StreamName="a", **{**retention, "Operation": "DOUBLE"})
fail(c.tag_stream, StreamName="a", Tags={str(i): "" for i in range(50)})
fail(c.tag_stream, StreamName="gone", Tags={"a": "b"})
fail(c.tag_stream, StreamName="a", Tags={"a;b": "c"})
fail(c.untag_stream, StreamName="gone", TagKeyList=["a"])
fail(c.untag_stream, StreamName="a", TagKeyList=["a;b"])
fail(c.list_tags_for_stream, StreamName="gone")
fail(c.list_tags_for_stream)
for of in (c.describe_image_generation_configuration, c.describe_notification_configuration):
    fail(of, StreamName="gone")
    fail(of)
for of, value in ((c.update_image_generation_configuration, {"ImageGenerationConfiguration": generation}),
                  (c.update_notification_configuration, {"NotificationConfiguration": notification})):
    fail(of, StreamName="gone", **value)
    fail(of, StreamName="a b", **value)
    fail(of, StreamName="unkept", **value)
fail(c.get_data_endpoint, StreamName="gone", APIName="GET_CLIP")
fail(c.get_data_endpoint, StreamName="a", APIName="GET_ALL")
fail(archive.list_fragments, StreamName="gone", FragmentSelector=span)
fail(archive.list_fragments, StreamName="card")
fail(archive.get_clip, StreamName="gone", ClipFragmentSelector=span)
fail(archive.get_clip, StreamName="unkept", ClipFragmentSelector=span)
fail(archive.get_clip, StreamName="card", ClipFragmentSelector={**span, "FragmentSelectorType": "NOW"})
fail(archive.get_media_for_fragment_list, StreamName="gone", Fragments=[number])
fail(archive.get_media_for_fragment_list, StreamName="card", Fragments=["x"])
fail(video.get_media, StreamName="gone", StartSelector={"StartSelectorType": "NOW"})
fail(video.get_media, StreamName="card", StartSelector={"StartSelectorType": "FRAGMENT_NUMBER"})
for of in (archive.get_hls_streaming_session_url, archive.get_dash_streaming_session_url):
    fail(of, StreamName="gone")
    fail(of, StreamName="a")
    fail(of, StreamName="unkept")
    fail(of, StreamName="card", PlaybackMode="ON_DEMAND")
fault("kind=throttle")
fail(c.create_stream, StreamName="b")
fail(c.describe_stream, StreamName="a")
fail(c.list_streams)
fail(c.get_data_endpoint, StreamName="a", APIName="GET_CLIP")
fail(c.describe_image_generation_configuration, StreamName="a")
fail(c.describe_notification_configuration, StreamName="a")
fail(c.update_image_generation_configuration, StreamName="a")
fail(c.update_notification_configuration, StreamName="a")
fail(archive.list_fragments, StreamName="card", FragmentSelector=span)
fail(archive.get_clip, StreamName="card", ClipFragmentSelector=span)
fail(archive.get_media_for_fragment_list, StreamName="card", Fragments=[number])
fail(video.get_media, StreamName="card", StartSelector={"StartSelectorType": "NOW"})
fail(archive.get_hls_streaming_session_url, StreamName="card")
fail(archive.get_dash_streaming_session_url, StreamName="card")
fault("")
fail(c.delete_stream, StreamARN=arn, CurrentVersion="x")
fail(c.delete_stream, StreamARN=gone)
fail(c.delete_stream, StreamARN="arn")
c.delete_stream(StreamARN=arn)
out["called"] = sorted(set(out["called"]))
json.dump(out, sys.stdout)
