package wire

import "strings"

// API is the name of an operation.
type API string

// The operations that the emulator has.
const (
	CreateStream                         API = "CreateStream"
	DeleteStream                         API = "DeleteStream"
	DescribeImageGenerationConfiguration API = "DescribeImageGenerationConfiguration"
	DescribeNotificationConfiguration    API = "DescribeNotificationConfiguration"
	DescribeStream                       API = "DescribeStream"
	DescribeStreamStorageConfiguration   API = "DescribeStreamStorageConfiguration"
	GetClip                              API = "GetClip"
	GetDASHStreamingSessionURL           API = "GetDASHStreamingSessionURL"
	GetHLSStreamingSessionURL            API = "GetHLSStreamingSessionURL"
	GetDataEndpoint                      API = "GetDataEndpoint"
	GetImages                            API = "GetImages"
	GetMedia                             API = "GetMedia"
	GetMediaForFragmentList              API = "GetMediaForFragmentList"
	ListFragments                        API = "ListFragments"
	ListStreams                          API = "ListStreams"
	ListTagsForStream                    API = "ListTagsForStream"
	PutMedia                             API = "PutMedia"
	TagStream                            API = "TagStream"
	UntagStream                          API = "UntagStream"
	UpdateDataRetention                  API = "UpdateDataRetention"
	UpdateImageGenerationConfiguration   API = "UpdateImageGenerationConfiguration"
	UpdateNotificationConfiguration      API = "UpdateNotificationConfiguration"
	UpdateStream                         API = "UpdateStream"
	UpdateStreamStorageConfiguration     API = "UpdateStreamStorageConfiguration"
)

// Path is where an operation is sent: its name with a small first letter (API reference, Request Syntax).
func (a API) Path() string { return "/" + strings.ToLower(string(a[:1])) + string(a[1:]) }

// ControlAPIs are the operations of the control host, by name.
func ControlAPIs() []API {
	return []API{CreateStream, DeleteStream, DescribeImageGenerationConfiguration, DescribeNotificationConfiguration, DescribeStream,
		DescribeStreamStorageConfiguration, GetDataEndpoint, ListStreams, ListTagsForStream, TagStream, UntagStream, UpdateDataRetention,
		UpdateImageGenerationConfiguration, UpdateNotificationConfiguration, UpdateStream, UpdateStreamStorageConfiguration}
}

// DataAPIs are the operations of the data hosts, by name.
func DataAPIs() []API {
	return []API{GetClip, GetDASHStreamingSessionURL, GetHLSStreamingSessionURL, GetImages, GetMedia, GetMediaForFragmentList,
		ListFragments, PutMedia}
}
