// What an application does with the AWS SDK for JavaScript: node client.cjs MEDIA CLIP, with the SDK below SDK. It prints what it saw.
'use strict';
const fs = require('fs');
const path = require('path');
const need = name => require(path.join(process.env.SDK, 'node_modules', name));
const video = need('@aws-sdk/client-kinesis-video');
const archived = need('@aws-sdk/client-kinesis-video-archived-media');
const mediaOut = need('@aws-sdk/client-kinesis-video-media');
const { SignatureV4 } = need('@smithy/signature-v4');
const { HttpRequest } = need('@smithy/protocol-http');
const { Sha256 } = need('@aws-crypto/sha256-js');

const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY };
const common = { region: 'us-east-1', credentials, maxAttempts: 1 };
const control = new video.KinesisVideoClient({ ...common, endpoint: process.env.ENDPOINT });
const dataEndpoint = async (StreamName, APIName) =>
  (await control.send(new video.GetDataEndpointCommand({ StreamName, APIName }))).DataEndpoint;
const archive = async (stream, api) =>
  new archived.KinesisVideoArchivedMediaClient({ ...common, endpoint: await dataEndpoint(stream, api) });

// fail gives the class of the error that a call ends with.
async function fail(call) {
  try {
    await call;
    return 'none';
  } catch (e) {
    return [e.constructor.name, e.name, e.$metadata.httpStatusCode, !!e.message, !!e.$metadata.requestId];
  }
}

// put sends Matroska with PutMedia, which the SDK does not have, signed by its signer, and gives the acknowledgements.
async function put(stream, media) {
  const url = new URL('/putMedia', await dataEndpoint(stream, 'PUT_MEDIA'));
  const signer = new SignatureV4({ service: 'kinesisvideo', region: 'us-east-1', credentials, sha256: Sha256 });
  const signed = await signer.sign(new HttpRequest({
    method: 'POST', protocol: url.protocol, hostname: url.hostname, port: Number(url.port), path: url.pathname,
    headers: {
      host: url.host, 'x-amzn-stream-name': stream, 'x-amzn-fragment-timecode-type': 'ABSOLUTE',
      'x-amzn-fragment-acknowledgment-required': '1', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    },
  }));
  const answer = await fetch(url, { method: 'POST', headers: signed.headers, body: media, duplex: 'half' });
  return (await answer.text()).split('\n').filter(Boolean).map(line => JSON.parse(line));
}

// bytes gets a resource of a session.
async function bytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

// box gives the type of the first box of a resource.
const box = async url => (await bytes(url)).toString('latin1', 4, 8);

// playHLS follows a session: it gives how many segments it has, and what its init section and its last segment begin with.
async function playHLS(master) {
  const entries = async url => (await bytes(url)).toString().split('\n').filter(l => l && !l.startsWith('#')).map(l => new URL(l, url));
  const [list] = await entries(master);
  const [, init] = (await bytes(list)).toString().match(/#EXT-X-MAP:URI="([^"]+)"/);
  const segments = await entries(list);
  return [segments.length, await box(new URL(init, list)), await box(segments.at(-1))];
}

// playDASH does it with a manifest.
async function playDASH(url) {
  const text = (await bytes(url)).toString();
  const attribute = name => text.match(new RegExp(` ${name}="([^"]*)"`))[1].replaceAll('&amp;', '&');
  const pieces = text.split('</SegmentTimeline>')[0].match(/<S /g).length;
  const last = attribute('media').replace('$Number$', Number(attribute('startNumber')) + pieces - 1);
  return [pieces, await box(new URL(attribute('initialization'), url)), await box(new URL(last, url))];
}

// chunks counts the Matroska documents in the media that an answer brings, until there are enough of them, whole.
async function chunks(payload, enough) {
  let media = Buffer.alloc(0);
  const count = what => media.toString('latin1').split(what).length - 1;
  for await (const part of payload) {
    media = Buffer.concat([media, part]);
    if (count('AWS_KINESISVIDEO_CONTINUATION_TOKEN') === enough) break; // which leaves the connection
  }
  return count('\x1a\x45\xdf\xa3');
}

async function main() {
  const out = {};
  out.streams = [];
  for await (const page of video.paginateListStreams({ client: control }, {})) out.streams.push(page.StreamInfoList.length);
  await control.send(new video.CreateStreamCommand({ StreamName: 'mine', DataRetentionInHours: 24, Tags: { a: 'b' } }));
  const { StreamInfo } = await control.send(new video.DescribeStreamCommand({ StreamName: 'mine' }));
  out.described = [StreamInfo.Status, StreamInfo.DataRetentionInHours, StreamInfo.CreationTime instanceof Date];
  out.tags = (await control.send(new video.ListTagsForStreamCommand({ StreamName: 'mine' }))).Tags;

  const acks = await put('mine', fs.readFileSync(process.argv[2]));
  out.persisted = acks.filter(a => a.EventType === 'PERSISTED').length;
  out.others = [...new Set(acks.map(a => a.EventType))].sort();
  const first = acks[0].FragmentTimecode;
  const range = { StartTimestamp: new Date(first), EndTimestamp: new Date(first + 9000) };
  const selector = { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: range };

  const fragments = [];
  const lister = await archive('mine', 'LIST_FRAGMENTS');
  for await (const page of archived.paginateListFragments({ client: lister, pageSize: 2 }, { StreamName: 'mine', FragmentSelector: selector })) {
    fragments.push(...page.Fragments);
  }
  out.fragments = [...new Set(fragments.map(f => f.FragmentNumber))].length;
  out.times = fragments.map(f => f.ProducerTimestamp - first).sort((a, b) => a - b);

  const clip = await (await archive('mine', 'GET_CLIP')).send(new archived.GetClipCommand({ StreamName: 'mine', ClipFragmentSelector: selector }));
  out.type = clip.ContentType;
  fs.writeFileSync(process.argv[3], await clip.Payload.transformToByteArray());

  const imager = await archive('mine', 'GET_IMAGES');
  const images = await imager.send(new archived.GetImagesCommand({
    StreamName: 'mine', ImageSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: range.StartTimestamp, EndTimestamp: range.EndTimestamp,
    SamplingInterval: 3000, Format: 'JPEG',
  }));
  out.images = images.Images.map(i => i.Error || Buffer.from(i.ImageContent, 'base64').subarray(0, 2).toString('hex'));

  const hls = await (await archive('mine', 'GET_HLS_STREAMING_SESSION_URL')).send(new archived.GetHLSStreamingSessionURLCommand({
    StreamName: 'mine', PlaybackMode: 'ON_DEMAND', HLSFragmentSelector: selector,
  }));
  out.hls = await playHLS(hls.HLSStreamingSessionURL);
  const dash = await (await archive('mine', 'GET_DASH_STREAMING_SESSION_URL')).send(new archived.GetDASHStreamingSessionURLCommand({
    StreamName: 'mine', PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: selector,
  }));
  out.dash = await playDASH(dash.DASHStreamingSessionURL);

  const listed = await (await archive('mine', 'GET_MEDIA_FOR_FRAGMENT_LIST')).send(new archived.GetMediaForFragmentListCommand({
    StreamName: 'mine', Fragments: fragments.slice(0, 3).map(f => f.FragmentNumber),
  }));
  const reader = new mediaOut.KinesisVideoMediaClient({ ...common, endpoint: await dataEndpoint('mine', 'GET_MEDIA') });
  const StartSelector = { StartSelectorType: 'EARLIEST' };
  const followed = await reader.send(new mediaOut.GetMediaCommand({ StreamName: 'mine', StartSelector }));
  out.chunks = [listed.ContentType, await chunks(listed.Payload, -1), followed.ContentType, await chunks(followed.Payload, 5)];

  const none = { ...selector, TimestampRange: { StartTimestamp: new Date(0), EndTimestamp: new Date(1000) } };
  out.errors = [
    await fail(control.send(new video.DescribeStreamCommand({ StreamName: 'none' }))),
    await fail(control.send(new video.CreateStreamCommand({ StreamName: 'mine' }))),
    await fail(lister.send(new archived.GetClipCommand({ StreamName: 'mine', ClipFragmentSelector: none }))),
    await fail(reader.send(new mediaOut.GetMediaCommand({ StreamName: 'none', StartSelector }))),
    await fail(new video.KinesisVideoClient({ ...common, endpoint: process.env.ENDPOINT, credentials: { ...credentials, secretAccessKey: 'x' } })
      .send(new video.ListStreamsCommand({}))),
  ];
  console.log(JSON.stringify(out));
}

main().catch(e => {
  console.error(e);
  process.exit(1);
});
