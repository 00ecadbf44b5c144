// Package simulate is a fleet in one process: up to some thousands of hosts that read clips of one archive, with or without a
// bucket that they share, in virtual time. It tells what that takes of the archive, of its quota and of the store, how long
// the hosts wait, and what a day of it costs.
//
// # How
//
// A run is a queue of events. Each host is a chain of callbacks, and what hosts share are a few servers that give each
// customer, in the order of arrival, the time at which it is done: the quota of a stream, the store's line, the two uploads of a host.
// Two runs with one seed are equal.
//
// # What a host does
//
//	list     pages of ListFragments one after the other, each a wait of the archive and 1,000 points of metadata; Costs.ListLater of
//	         them where another host that shares the bucket has listed the hour
//	open     the head of each part, 32 at a time: its own disk, the store, or a call
//	read     the media of each part, 16 at a time and front to back: its own disk, the store, or a call
//	share    what came by a call is uploaded after one more listing, a part of Costs.Confirm: media two objects at a time, heads beside it
//
// A call takes as many points of the stream as the part has fragments, 500 come in a second, and a second's points are saved up. A call
// for a head that is given up after the head costs its points, and the bytes that had come; parts whose head came more than ten seconds
// before are called for again when their media is read. Costs.Refetch is the share of the others that are, and Costs.Yields that where
// several hosts share a bucket. Hosts without a bucket do not know of each other, are refused, and slow down: together they use
// Costs.Contended of the quota.
//
// A look into the store is a GET and a wait of the store. A miss takes a lease: one PUT for all of an hour that is asked for at once, heads with
// their payloads. A host that others may wait for writes its beat each 500 ms, or each 2 s once it gets no further, and writes the ends of
// leases of an hour at most each 200 ms. Other hosts read the leases of an hour each 200 ms while these change, and each second at last, and beats each 500 ms,
// and find an object in the middle between two looks. A payload that another host wants whose head was called for is fetched by the
// host that called, which reads that after a quarter of a second as a mean. With the chance Costs.Duplicate a host that finds media
// on lease fetches it too. An upload takes Costs.Upload besides latency and bandwidth: what the store takes to keep it.
//
// # What it leaves out
//
// Faults, evictions (a cache is larger than what its host reads in the run), the live edge, the time of programs between their reads, and
// the network of a host except its upload. The processor of the machine is in it as Costs.HeadCPU, a time for each head, one after the other, and
// Costs.ReadRate, at which one process hands bytes to its reader; Costs.Machine bounds the sum of all hosts, for hosts that are
// processes of one machine, and is 0 where each has its own.
//
// # What it is measured by
//
// Costs come from a short run with real mounts (clipbench fleet --measure), and the same run compares what real mounts at 1, 2, 4
// and 8 hosts took with what the simulation says of them. Costs are measured at one and two hosts, so those rows agree more or less by
// construction, and the rows of four and eight are the test.
package simulate
