// Package kvs is the archive on AWS: it implements archive.Service with Kinesis Video Streams, and is the only package
// that imports the AWS SDK.
//
// # Data flow
//
//	Archive.Stream, Streams   control client (service/kinesisvideo)      DescribeStream, ListStreams
//	Archive.Fragments         endpoints → data client (archivedmedia)    ListFragments, page after page
//	Archive.Payload           endpoints → data client (archivedmedia)    GetClip, the body handed on as it comes
//	Archive.Images            endpoints → data client (archivedmedia)    GetImages
//	endpoints                 control client                             GetDataEndpoint, kept 40 minutes
//
// Every call runs through the same parts, which hang on the SDK's clients by options that all of its packages take:
//
//   - attempts is the retryer of one call. It asks the pacer before each attempt, counts, remembers the last failure,
//     and leaves the rest to the SDK's standard retryer. Only the context ends it; when its deadline comes, the last
//     failure tells whether the call was throttled or the archive unreachable.
//   - pacer holds a quota.Bucket for each stream and quota, at which calls wait for their turn by priority. A refusal
//     halves its rate at once, time brings it back.
//   - answers looks at an answer before the SDK does: it bounds it, and recognises one that is not the service's
//     (an error in XML, a 404 without the service's header, a page of HTML), which is how a stale data endpoint shows.
//   - Observer is told what each call came to, Quotas tell what is left of the pacer's points: for metrics, which this
//     package knows nothing of. The log has one line a call at debug, with the service's request id.
//   - callError is what leaves: a sentinel of package archive, the IAM action, the resource, and the service's text in
//     one line. No header that was signed or that signs is ever in it or in the log.
//
// # Locks
//
// endpoints.mu guards the kept endpoints and the calls under way for them, attempts.mu the count and the last failure of one
// call. None is held during I/O or while another lock is taken, of any package.
package kvs
