package kvs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// environment clears what the chain could find on this machine and sets what a test wants it to.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range set {
		t.Setenv(name, value)
	}
}

// keys are static credentials in the environment.
func keys() map[string]string {
	return map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secretKey}
}

// region is a region in the environment.
func region() map[string]string { return map[string]string{"AWS_REGION": "eu-west-1"} }

// both gives the entries of two maps.
func both(a, b map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func TestLoadConfigSaysWhatToSet(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  map[string]string
		o    kvs.ConfigOptions
		want string
		is   error
	}{
		{name: "no region", env: keys(), want: "AWS_REGION"},
		{name: "no credentials", env: region(), want: "AWS_ACCESS_KEY_ID", is: archive.ErrDenied},
		{name: "no such profile", env: both(both(keys(), region()), map[string]string{"AWS_PROFILE": "nobody"}), want: "nobody"},
		{name: "endpoint without scheme", env: both(keys(), region()), o: kvs.ConfigOptions{EndpointURL: "localhost:4580"}, want: "localhost:4580", is: archive.ErrInvalid},
		{name: "endpoint with a password", env: both(keys(), region()), o: kvs.ConfigOptions{EndpointURL: "http://me:hunter2@localhost"}, want: "http://me:xxxxx@localhost", is: archive.ErrInvalid},
		{name: "endpoint without host", env: both(keys(), region()), o: kvs.ConfigOptions{EndpointURL: "http://"}, want: "http://", is: archive.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment(t, tc.env)
			_, err := kvs.LoadConfig(t.Context(), tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tc.want)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %v, want %v", err, tc.is)
			}
		})
	}
}

// TestNoCredentialsInOneLine: where nobody gives credentials, the one line says so: neither warnings of the SDK's nor how
// the metadata service was asked.
func TestNoCredentialsInOneLine(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		want   string
	}{
		{"no role", http.StatusNotFound, "this one has none"},
		{"not allowed", http.StatusForbidden, "its metadata service tells of none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut { // asks for a token, which services of old do not give
					w.WriteHeader(http.StatusForbidden)
					return
				}
				w.WriteHeader(tc.status)
			}))
			defer metadata.Close()
			environment(t, both(region(), map[string]string{
				"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL,
			}))
			said, err := os.CreateTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			stderr := os.Stderr
			os.Stderr = said
			_, failed := kvs.LoadConfig(t.Context(), kvs.ConfigOptions{})
			os.Stderr = stderr
			if err := said.Close(); err != nil {
				t.Fatal(err)
			}
			if !errors.Is(failed, archive.ErrCredentials) || !strings.HasSuffix(failed.Error(), tc.want) || strings.Contains(failed.Error(), "ec2imds") {
				t.Errorf("got %v, want it to end with %q", failed, tc.want)
			}
			if text, err := os.ReadFile(said.Name()); err != nil || len(text) > 0 {
				t.Errorf("stderr has %q, %v; want nothing", text, err)
			}
		})
	}
}

func TestLoadConfigEndpoint(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  func(url string) map[string]string
		o    func(url string) kvs.ConfigOptions
	}{
		{"option", func(string) map[string]string { return region() }, func(url string) kvs.ConfigOptions { return kvs.ConfigOptions{EndpointURL: url} }},
		{"option before environment", func(string) map[string]string {
			return both(region(), map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
		}, func(url string) kvs.ConfigOptions { return kvs.ConfigOptions{EndpointURL: url} }},
		{"AWS_ENDPOINT_URL_KINESIS_VIDEO", func(url string) map[string]string {
			return both(region(), map[string]string{"AWS_ENDPOINT_URL_KINESIS_VIDEO": url})
		}, func(string) kvs.ConfigOptions { return kvs.ConfigOptions{} }},
		{"AWS_ENDPOINT_URL", func(url string) map[string]string {
			return both(region(), map[string]string{"AWS_ENDPOINT_URL": url})
		}, func(string) kvs.ConfigOptions { return kvs.ConfigOptions{} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			mux.HandleFunc("/getDataEndpoint", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"DataEndpoint":"` + server.URL + `"}`))
			})
			mux.HandleFunc("/getClip", func(w http.ResponseWriter, _ *http.Request) { clipBody(w, "media") })
			environment(t, both(keys(), tc.env(server.URL)))
			cfg, err := kvs.LoadConfig(t.Context(), tc.o(server.URL))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := fetch(t.Context(), newArchive(t, cfg, kvs.Options{})); err != nil || got != "media" {
				t.Errorf("got %q, %v, want the media of the endpoint", got, err)
			}
		})
	}
}
