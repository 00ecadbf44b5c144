package kvs

import "fmt"

const (
	// maxToken is the longest token that is sent back, in bytes (API reference, ListFragments, NextToken).
	maxToken = 4096
	// maxBarren is how many pages in a row may bring nothing new. The service may give empty pages before the last.
	maxBarren = 10
)

// pages follows the tokens of a listing and ends one that does not end by itself.
type pages struct {
	// token for the next page; nil for the first.
	token *string

	seen map[string]struct{}
	// known has what was listed, fresh counts what of it is new on this page, barren the pages without such.
	known         map[string]struct{}
	fresh, barren int
}

// note takes down what a page lists.
func (p *pages) note(id string) {
	if p.known == nil {
		p.known = make(map[string]struct{})
	}
	if _, ok := p.known[id]; !ok {
		p.known[id] = struct{}{}
		p.fresh++
	}
}

// next takes the token of a page. It gives false after the last page, and an error that wraps ErrAnswer if the
// listing has come to a page that it had before, brings nothing new any more or goes on for longer than any does.
func (p *pages) next(token *string) (more bool, err error) {
	p.token = token
	if token == nil || *token == "" {
		return false, nil
	}
	if len(*token) > maxToken {
		return false, fmt.Errorf("%w: a token of %d bytes", ErrAnswer, len(*token))
	}
	if _, ok := p.seen[*token]; ok {
		return false, fmt.Errorf("%w: a listing that goes in circles", ErrAnswer)
	}
	if p.barren++; p.fresh > 0 {
		p.fresh, p.barren = 0, 0
	}
	if p.barren >= maxBarren || len(p.seen) >= maxPages {
		return false, fmt.Errorf("%w: a listing that has not ended after %d pages", ErrAnswer, len(p.seen)+1)
	}
	if p.seen == nil {
		p.seen = make(map[string]struct{})
	}
	p.seen[*token] = struct{}{}
	return true, nil
}
