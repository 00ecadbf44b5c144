// Package chunk gives media out as GetMedia and GetMediaForFragmentList do: as Matroska, a document for each fragment.
//
//	streams.Stream ─→ Begin (where) ─→ Stream (live)  ─┐
//	                  numbers ─→ List                  ─┴→ chunk.go ─→ answer
//
// A chunk is EBML, a segment without a size with Info and Tracks, the service's tags, the cluster, the tags of the producer, and
// the service's tags that tell where to go on. All but the service's tags are the bytes that the producer sent.
//
// # Faithfulness
//
// Where which tag stands is what users have shown of real answers. The reference calls the times of GetMediaForFragmentList
// …_SERVER_SIDE_TIMESTAMP and …_PRODUCER_SIDE_TIMESTAMP, and the service's own parser reads the names that GetMedia has: chunks of
// that operation have both. Chunks of a stream come in the order of their server times; one that was long under way beside
// another, from a second producer, comes as soon as it is whole.
//
// Where the service's clock is set ahead, an answer that is under way goes on where it was, and gives all that lies between. Where it
// is set back, the answer goes on with what is taken in from the new time on.
package chunk
