// Package shared is the fleet's tier: an object store in which the hosts that mount the same streams share what one of them
// has paid for. It stands between a miss in this machine's cache and GetClip. No byte of it takes a quota point.
//
// # What it offers
//
// Open gives a Tier on a Bucket, which is a tier.Tier: Head and Open look into the bucket, Offer has an entry of this
// machine's cache put there. Anything that is wrong with the bucket or with an object is a miss. Key.Encode and Key.Decode are
// the object format, Name is where an object lies. List reads what there is, for people, and Expired finds what no host reads any more. Package clip/shared/s3 has the Bucket
// that speaks to object stores.
//
// # Objects
//
//	PREFIX/v1[-KEYID]/ACCOUNT/REGION/STREAM/CREATED/KIND/xx/KEY
//
// The folder is that of the stream's ARN and of when it was made, so a stream that is made again under its name has another.
// KEYID tells hosts with one secret from those with another or none: nothing is overwritten back and forth. KIND is m for a
// payload, h for the record of its head, l for the leases of an hour of either, and t for an hour of the timeline. KEY is the key of the
// payload in the cache, a hash of the selector and the ordered fragment numbers, or a hash of the selector and the hour, or of the hour alone;
// xx are its first two digits. A payload and a head are immutable; only one that is damaged is replaced. An hour is replaced by each host
// that lists it. Beats lie in the folder hosts beside those of accounts.
//
//	fixed header   magic and version, sizes, kind, tables and digest of the payload, when the archive took its oldest fragment
//	               in, its span, --part and --gap of the host that wrote it, MAC
//	numbers        of the fragments, one a line
//	checks         of each 64 KiB of what follows: CRC-32C, or with a secret 16 bytes of HMAC-SHA-256
//	bytes          the payload, or the record of a head
//
// With a secret the MAC is HMAC-SHA-256 over the name of the object, the header, the numbers and the checks, so an object cannot
// be made, changed or moved to another name without the secret. Without one it is a CRC-32C: whoever can write to the bucket is
// trusted, and damage is found. Nothing is handed on before its check was made.
//
// # Data flow
//
//	Head, Open  →  breaker  →  Bucket.Get  →  Key.Decode  →  blocks that were checked     tier.go, breaker.go, object.go, body.go
//	Offer       →  queue    →  Confirm     →  Key.Encode  →  Bucket.Put                   queue.go
//	Hour        →  as Head;   OfferHour  →  queue                                         hours.go
//	a miss      →  leases   →  the object, once another host has it, or nothing           lease.go, group.go, decision.go, beat.go, small.go
//
// # Never slower
//
// A look has Options.Timeout until the header of the object has come, and each read of its bytes a few times that. One that
// exceeds it, and any answer but the object and NoSuchKey, opens the breaker: from then on all looks are misses without a
// request, until a probe in the background was answered. No read of a user waits for a probe, and nothing is tried twice.
// A body that comes slowly is read on, as long as each 64 KiB come in time: what is slow is probably this host's line, and by that the
// archive, where each byte is paid for, is as slow.
//
// Offers wait in a queue that is bounded by the bytes of their entries, and are dropped where it is full, where the entry is
// evicted before its turn, and where the breaker is open. Two large payloads are uploaded at a time, and heads beside them. Some dozens of
// offers are confirmed at a time, whatever is uploaded: one listing does for all that wait for it. An upload that fails
// ends uploads and nothing else, until a beat could be written again.
//
// # One fetch for all
//
// Where an object is not there, the host that looks for it takes its lease. Leases of the heads and payloads of an hour of a stream stand
// in one object, which names for each what host fetches it. A host writes it on the condition that it is as the host knows it, or that
// there is none: when it takes leases, and, five times a second at most, when it ends them. So one write takes the leases of all heads of
// that hour, and of their payloads with them, where they are asked for together: of hosts that open an hour at once one fetches it, and the others read
// one object to learn what is there. No host removes the object. It has 1,024 leases at most: what finds
// no space is fetched without one, and the leases of a host that is gone make space.
//
// A host that others wait for rewrites one object of its own every half second, its beat: however many leases it has, that is two writes a
// second. Where it gets no further for a while, since it waits for its quota, it says in its beat that it rewrites it every two
// seconds.
//
// A host that finds a lease of another one follows: it reads the leases of that hour, five times a second while they change and then less
// often, for all that it wants of them, and the beat of their holder. Once the lease has ended it looks for the object; what it has read to be fetched
// elsewhere less than a second ago it does not look for first. Where the
// beat stands still for three of its times and a Timeout, by the follower's own clock, the follower takes the lease over, on the condition that
// the object is as it was read. Leases whose ETag is not of their bytes are read again: Versity S3 Gateway gives the ETag of one version with the
// bytes of another while it replaces an object. No clocks are compared. No host waits for longer than twenty times the Timeout, and nothing is right or
// wrong by a lease: where a bucket ignores conditions, which a host tries with
// its first beat, there are no leases, and hosts fetch what others fetch too.
//
// Heads have leases as soon as they are looked for, payloads where a reader wants more than the head. The host that takes the lease of a head
// takes that of its payload with it, idle, for which it writes no beat. Another host that wants the payload says so in the lease, and
// the holder, which reads leases that are idle every half second, goes on with the call that brought the head. So hosts that
// read a clip together make each call once. The holder's own reader goes on at once.
//
// What the last leases that ended were of stands beside them, since a host may have looked before the upload and read the leases after
// their end: it looks once more.
//
// # What may be offered
//
// What Offer is given is confirmed by its Confirm before it is uploaded, after it was fetched: package clip lists the fragments
// again and compares every picture with them. Nothing else of an entry is known here.
//
// # Hours
//
// Package timeline has hours of the past written as it keeps them on disk, with the time at which they were asked for. A host that takes
// one over lists what the archive has taken in since then, less a quarter of an hour for clocks that differ, before it trusts it. Hours
// older than three hours are listed instead, and hosts that ask at once each list: hours have no leases.
//
// # Locks
//
// breaker.mu guards the state of the breaker, queue.mu the offers that wait, leases.mu which leases this host holds and
// follows, Tier.mu the names of damaged objects. None is held
// during I/O or while another is taken.
package shared
