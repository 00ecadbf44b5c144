package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestSharedPolicy: the policies name the bucket and the prefix, and what hosts need.
func TestSharedPolicy(t *testing.T) {
	code, stdout, stderr := invoke(t, "shared", "policy", "--shared-cache", "s3://footage/clipfs", "--shared-keep", "36h")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	var got struct {
		Policy struct {
			Statement []struct {
				Action   any
				Resource string
			}
		}
		Lifecycle struct {
			Rules []struct {
				Filter     struct{ Prefix string }
				Expiration struct{ Days int }
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if s := got.Policy.Statement; len(s) != 2 || s[0].Resource != "arn:aws:s3:::footage/clipfs/*" || s[1].Resource != "arn:aws:s3:::footage" || s[1].Action != "s3:ListBucket" {
		t.Errorf("policy %+v", s)
	}
	if r := got.Lifecycle.Rules; len(r) != 1 || r[0].Filter.Prefix != "clipfs/" || r[0].Expiration.Days != 2 {
		t.Errorf("lifecycle %+v", r)
	}
}

// TestSharedUsage: what cannot be a shared cache is a wrong usage, in one line that says what to write.
func TestSharedUsage(t *testing.T) {
	for _, test := range [][]string{
		{"shared", "ls", "--shared-cache", "footage", "s3://BUCKET"},
		{"shared", "ls", "--shared-cache", "s3://footage", "--shared-endpoint-url", "http://store.example", "--insecure-endpoint"},
		{"mount", "--shared-cache", "s3://footage", "--shared-endpoint-url", "ftp://store.example", t.TempDir(), "--shared-endpoint-url"},
		{"shared", "name a command"},
	} {
		last := len(test) - 1
		code, _, stderr := invoke(t, test[:last]...)
		if code != 2 || !strings.Contains(stderr, test[last]) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %s; want 2 and %q", slices.Clip(test[:last]), code, stderr, test[last])
		}
	}
}
