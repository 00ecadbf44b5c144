// Package producer sends media to a stream as a camera does: a small client of PutMedia, for tests, demos and anything
// else that has to fill a stream of the emulator.
//
// Put sends Matroska from any reader, also one that goes on for long, and gives the acknowledgements. PutTestCard sends
// footage of the test card whose picture shows the very second that it claims to be of:
//
//	from := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
//	acks, err := producer.PutTestCard(ctx, server.Endpoint(), "front-door", from, from.Add(time.Minute), producer.Options{})
//
// has 30 fragments persisted when it returns: they are the ones that start at or after from and before to. Footage of
// the past is sent the same way as that of now. PutMedia takes 5 fragments a second and a few connections a stream; the
// emulator does not keep to the former if its quotas are off.
//
// PutSource sends other footage so, as fast as it is taken or as a camera would.
//
// Nothing here is shared between calls, so there is nothing to lock.
package producer
