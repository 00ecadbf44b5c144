package clip

import (
	"context"

	"clipfs/clip/archive"
)

// asked is who a download is for. Its zero value is nobody.
type asked struct {
	operation archive.Operation
	usage     *usage
}

// usageKey is the key of a *usage in a context.
type usageKey struct{}

// askedIn gives who asks in a context. It is to be called before the request that the context belongs to is answered.
func askedIn(ctx context.Context) asked {
	op, _ := archive.OperationOf(ctx)
	u, _ := ctx.Value(usageKey{}).(*usage)
	return asked{op, u}
}

// in puts it into another context.
func (a asked) in(ctx context.Context) context.Context {
	if a.operation.ID != 0 {
		ctx = archive.WithOperation(ctx, a.operation)
	}
	if a.usage != nil {
		ctx = context.WithValue(ctx, usageKey{}, a.usage)
	}
	return ctx
}

// reader gives who reads the clip in a context.
func (c *Clip) reader(ctx context.Context) asked {
	who := askedIn(ctx)
	who.usage = c.used()
	return who
}

// asks gives a context in which whatever is fetched is fetched for this clip.
func (c *Clip) asks(ctx context.Context) context.Context {
	return c.reader(ctx).in(ctx)
}
