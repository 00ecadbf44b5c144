package kvs

import "fmt"

// maxToken is the longest token that is sent back, in bytes (API reference, ListFragments, NextToken).
const maxToken = 4096

// pages follows the tokens of a listing and ends one that does not end by itself.
type pages struct {
	// token for the next page; nil for the first.
	token *string

	seen map[string]struct{}
}

// next takes the token of a page. It gives false after the last page, and an error that wraps ErrAnswer if the
// listing has come to a page that it had before or goes on for longer than any does.
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
	if len(p.seen) >= maxPages {
		return false, fmt.Errorf("%w: a listing that has not ended after %d pages", ErrAnswer, maxPages)
	}
	if p.seen == nil {
		p.seen = make(map[string]struct{})
	}
	p.seen[*token] = struct{}{}
	return true, nil
}
