// Package types has the shapes of Kinesis Video Streams Archived Media that package archivedmedia takes and returns,
// under the names that the SDK's generated package gives them (API reference, Amazon Kinesis Video Streams Archived
// Media, "Data types").
package types
