package mount

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/pflag"

	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/metrics"
)

// Shared is what is told of the bucket that hosts share. The flags say what each field means.
type Shared struct {
	Place     bucket.Place
	Endpoint  string
	Region    string
	Profile   string
	PathStyle bool
	Timeout   time.Duration
	Queue     int64
	Keep      time.Duration
	KeyFile   string
}

// DefaultKeep is how long objects are kept: for longer than that keeping them costs more than fetching them again once.
const DefaultKeep = 7 * 24 * time.Hour

// BindPlace makes the flags that say where the bucket is.
func (s *Shared) BindPlace(flags *pflag.FlagSet) {
	flags.Var(config.Value(&s.Place, "s3://BUCKET/PREFIX", func(text string) (bucket.Place, error) {
		if text == "" {
			return bucket.Place{}, nil
		}
		return bucket.ParsePlace(text)
	}, bucket.Place.String), "shared-cache", "share what is fetched with other hosts in a bucket, at `s3://BUCKET/PREFIX`: what one has paid for the others read there (default: nowhere)")
	flags.StringVar(&s.Endpoint, "shared-endpoint-url", "", "`URL` of the object store of --shared-cache (default: what the SDK finds)")
	flags.StringVar(&s.Region, "shared-region", "", "`region` of the bucket of --shared-cache (default: what the SDK finds)")
	flags.StringVar(&s.Profile, "shared-profile", "", "`profile` of the AWS configuration for --shared-cache (default: what the SDK finds)")
	flags.BoolVar(&s.PathStyle, "shared-path-style", false, "name the bucket of --shared-cache in the path, not in the host, as MinIO and others want it")
	flags.StringVar(&s.KeyFile, "shared-key-file", "", "`file` with a secret of all hosts that share a bucket: only what was written with it is read (default: whoever can write to the bucket is trusted)")
}

func (s *Shared) bind(flags *pflag.FlagSet) {
	s.BindPlace(flags)
	flags.Var(config.Positive(&s.Timeout), "shared-timeout", "how long --shared-cache may take to begin to answer before the service is asked instead")
	flags.Var(config.Size(&s.Queue, 1), "shared-queue", "how much may wait to be written to --shared-cache; what is more is not shared")
	s.BindKeep(flags)
}

// BindKeep makes the flag that says how long objects are kept.
func (s *Shared) BindKeep(flags *pflag.FlagSet) {
	flags.Var(config.Age(&s.Keep), "shared-keep", "how long --shared-cache keeps objects, by the lifecycle rule of clipfs shared policy and for the estimates, such as 7d, in whole days")
}

// Wanted reports whether a bucket is named.
func (s *Shared) Wanted() bool { return s.Place.Bucket != "" }

// check says what is wrong with values that a flag alone cannot judge.
func (s *Shared) check(insecure bool) error {
	if err := bucket.CheckEndpoint(s.Endpoint, insecure); err != nil {
		return config.Usagef("--shared-endpoint-url: %w", err)
	}
	return nil
}

// Key reads the key file; the zero key where none is named.
func (s *Shared) Key() (shared.Key, error) {
	if s.KeyFile == "" {
		return shared.Key{}, nil
	}
	text, err := os.ReadFile(s.KeyFile)
	if err != nil {
		return shared.Key{}, fmt.Errorf("--shared-key-file: %w", err)
	}
	key, err := shared.NewKey(text)
	if err != nil {
		return shared.Key{}, config.Usagef("--shared-key-file %s: %w", s.KeyFile, err)
	}
	return key, nil
}

// OpenBucket gives the bucket and the key.
func (c *Config) OpenBucket(ctx context.Context, logger *slog.Logger) (*bucket.Bucket, shared.Key, error) {
	s := &c.Shared
	if err := s.check(c.InsecureEndpoint); err != nil {
		return nil, shared.Key{}, err
	}
	key, err := s.Key()
	if err != nil {
		return nil, key, err
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	b, err := bucket.Open(ctx, s.Place, bucket.Options{Logger: logger, Endpoint: s.Endpoint, Region: s.Region, Profile: s.Profile, PathStyle: s.PathStyle})
	if err != nil {
		return nil, key, fmt.Errorf("shared cache %s: %w", s.Place, err)
	}
	return b, key, nil
}

// sharedPrices gives what the bucket costs.
func (c *Config) sharedPrices() metrics.SharedPrices {
	prices := c.PriceShared
	prices.Keep = c.Shared.Keep
	return prices
}

// openTier gives the tier on the bucket, and counts its requests; nil where none is named. It is the caller's to close.
func (c *Config) openTier(ctx context.Context, logger *slog.Logger) (*shared.Tier, *requests, error) {
	if !c.Shared.Wanted() {
		return nil, nil, nil
	}
	b, key, err := c.OpenBucket(ctx, logger)
	if err != nil {
		return nil, nil, err
	}
	counted := &requests{Bucket: b}
	return shared.Open(counted, shared.Options{
		Logger: logger, Prefix: c.Shared.Place.Prefix, Key: key, Timeout: c.Shared.Timeout, Queue: c.Shared.Queue, Part: c.Part, Gap: c.Gap,
	}), counted, nil
}
