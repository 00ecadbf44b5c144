package producer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Event is what an acknowledgement tells (API reference, PutMedia, Response Elements).
type Event string

// The events.
const (
	// Buffering: a fragment has begun to arrive.
	Buffering Event = "BUFFERING"
	// Received: it is whole.
	Received Event = "RECEIVED"
	// Persisted: it is stored and can be found.
	Persisted Event = "PERSISTED"
	// Idle: nothing has arrived for a while.
	Idle Event = "IDLE"
	// Failed: the media was refused, and the connection ends.
	Failed Event = "ERROR"
)

// Ack is one acknowledgement.
type Ack struct {
	EventType Event
	// FragmentTimecode is the timecode of the fragment as it was sent, in milliseconds; -1 where an error is of none.
	FragmentTimecode int64
	// FragmentNumber is the number that the fragment has got; empty where an error is of none.
	FragmentNumber string
	// ErrorID and ErrorCode are set if the event is Failed.
	ErrorID   int `json:"ErrorId"`
	ErrorCode string
}

// MediaError is what Put gives where an acknowledgement was Failed.
type MediaError struct{ Ack Ack }

// Error implements error.
func (e *MediaError) Error() string {
	text := fmt.Sprintf("media refused: %d %s", e.Ack.ErrorID, e.Ack.ErrorCode)
	if e.Ack.FragmentNumber == "" {
		return text
	}
	return fmt.Sprintf("%s, timecode %d", text, e.Ack.FragmentTimecode)
}

// ResponseError is what Put gives where a call was refused.
type ResponseError struct {
	// Status of the answer.
	Status int
	// Kind is the name of the exception, such as ResourceNotFoundException.
	Kind    string
	Message string
}

// Error implements error.
func (e *ResponseError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Kind, e.Message) }

// readAcks reads acknowledgements until they end or one tells of an error.
func readAcks(r io.Reader, each func(Ack)) ([]Ack, error) {
	lines := json.NewDecoder(r)
	var acks []Ack
	for {
		var a Ack
		if err := lines.Decode(&a); err != nil {
			if errors.Is(err, io.EOF) {
				return acks, nil
			}
			return acks, fmt.Errorf("acknowledgements: %w", err)
		}
		acks = append(acks, a)
		if each != nil {
			each(a)
		}
		if a.EventType == Failed {
			return acks, &MediaError{Ack: a}
		}
	}
}

// Numbers gives the numbers of the fragments that were persisted, in the order in which they were.
func Numbers(acks []Ack) []string {
	var numbers []string
	for _, a := range acks {
		if a.EventType == Persisted {
			numbers = append(numbers, a.FragmentNumber)
		}
	}
	return numbers
}
