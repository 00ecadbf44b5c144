package bucket

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"net/http"
	"time"

	"clipfs/clip/kvs/redact"
	"clipfs/clip/shared"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var _ shared.Bucket = (*Bucket)(nil)

// noSuchKey is the only answer that says that there is no object (S3 API reference, error codes).
const noSuchKey = "NoSuchKey"

// Get implements shared.Bucket.
func (b *Bucket) Get(ctx context.Context, name string) (*shared.Object, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.place.Bucket, Key: &name})
	var answer smithy.APIError
	switch {
	case errors.As(err, &answer) && answer.ErrorCode() == noSuchKey:
		return nil, shared.ErrNotFound
	case err != nil:
		return nil, b.failed("GetObject", err)
	}
	return &shared.Object{Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Body: out.Body}, nil
}

// Put implements shared.Bucket. The request is signed without its body, whose sum is: a second hash of all bytes, here and at the store, would
// find no more. A store that takes half a body for an object is told by the sum that it is none.
func (b *Bucket) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (string, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	in := &s3.PutObjectInput{
		Bucket: &b.place.Bucket, Key: &name, Body: content, ContentLength: &size, ContentType: aws.String("application/octet-stream"),
		ChecksumCRC32C: aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32()))),
	}
	if on.Absent {
		in.IfNoneMatch = aws.String("*")
	}
	if on.Match != "" {
		in.IfMatch = &on.Match
	}
	out, err := b.client.PutObject(ctx, in, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	if err != nil {
		return "", b.failed("PutObject", err)
	}
	return aws.ToString(out.ETag), nil
}

// Exists implements shared.Bucket. The answer to HEAD has no body that could tell one 404 from another.
func (b *Bucket) Exists(ctx context.Context, name string) (bool, error) {
	_, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.place.Bucket, Key: &name})
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, b.failed("HeadObject", err)
}

// List implements shared.Bucket.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[shared.Item, error] {
	return func(yield func(shared.Item, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.place.Bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(shared.Item{}, b.failed("ListObjectsV2", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(itemOf(o), nil) {
					return
				}
			}
		}
	}
}

func itemOf(o types.Object) shared.Item {
	return shared.Item{Name: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified).UTC().Truncate(time.Second)}
}

// Delete implements shared.Bucket.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.place.Bucket, Key: &name})
	return b.failed("DeleteObject", err)
}

// failed gives the error of a call in one line, with what to do where that is known.
func (b *Bucket) failed(call string, err error) error {
	if err == nil {
		return nil
	}
	var answer smithy.APIError
	status, text := statusOf(err), redact.Line(err.Error())
	if errors.As(err, &answer) {
		text = redact.Line(answer.ErrorCode() + ": " + answer.ErrorMessage())
	}
	text = fmt.Sprintf("%s of bucket %s: %s", call, b.place.Bucket, text)
	switch status {
	case 0:
	case http.StatusForbidden:
		text += " (clipfs shared policy prints the permissions that it takes; without s3:ListBucket a missing object is denied too)"
	default:
		text += fmt.Sprintf(" (status %d)", status)
	}
	return &callError{text, err}
}

// callError is the error of a call.
type callError struct {
	text  string
	cause error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.cause }

// statusOf gives the status with which a call was answered; 0 if it was not.
func statusOf(err error) int {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return 0
	}
	return answer.HTTPStatusCode()
}
