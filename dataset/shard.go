package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/text"
)

// Shards end where their content says so, and not at a fixed size: a line that
// is added, changed or taken away moves the borders beside it alone, and all
// other shards of two versions are the same blobs. These numbers are part of
// the format.
const (
	// minShard is the least size of a shard but the last.
	minShard = 64 << 10
	// meanShard is how many bytes come after the least size in the mean.
	meanShard = 256 << 10
	// maxShard is the size at which a shard ends in any case.
	maxShard = 4 << 20
	// cutSeed draws the lines that end shards.
	cutSeed = 0x73686172647321
)

// Shard is a blob of JSON lines.
type Shard struct {
	Digest  troika.Digest `json:"digest"`
	Records int           `json:"records"`
	Bytes   int64         `json:"bytes"`
}

// ends reports whether a shard of some bytes ends with a line that is its last
// so far. A line is drawn in proportion to its length, so that shards have one
// size in the mean, of short lines and long ones.
func ends(line []byte, size int) bool {
	if size < minShard {
		return false
	}
	return size >= maxShard || text.Hash(string(line), cutSeed)%meanShard < uint64(len(line))
}

// shards encodes lines into shards and hands each to emit; the bytes are valid
// until emit returns.
func shards[T any](lines []T, emit func(Shard, []byte) error) error {
	var buf []byte
	count := 0
	for i, line := range lines {
		from := len(buf)
		var err error
		if buf, err = appendLine(buf, line); err != nil {
			return err
		}
		count++
		if i < len(lines)-1 && !ends(buf[from:], len(buf)) {
			continue
		}
		s := Shard{Digest: troika.Sum(buf), Records: count, Bytes: int64(len(buf))}
		if err := emit(s, slices.Clip(buf)); err != nil {
			return err
		}
		buf, count = buf[:0], 0
	}
	return nil
}

// listShards returns the shards of lines.
func listShards[T any](lines []T) ([]Shard, error) {
	list := []Shard{}
	err := shards(lines, func(s Shard, _ []byte) error {
		list = append(list, s)
		return nil
	})
	return list, err
}

// encodeShards encodes lines into the shards of a list, which may have been cut by
// the rule of an older format; the bytes are valid until emit returns.
func encodeShards[T any](lines []T, list []Shard, emit func(Shard, []byte) error) error {
	var buf []byte
	for _, s := range list {
		buf = buf[:0]
		for _, line := range lines[:s.Records] {
			var err error
			if buf, err = appendLine(buf, line); err != nil {
				return err
			}
		}
		if err := emit(s, buf); err != nil {
			return err
		}
		lines = lines[s.Records:]
	}
	return nil
}

// readShards returns the lines of shards, whose bytes read gets.
func readShards[T any](ctx context.Context, read func(context.Context, string, Shard) ([]byte, error), file string, list []Shard) ([]T, error) {
	var all []T
	for _, shard := range list {
		b, err := read(ctx, file, shard)
		if err != nil {
			return nil, err
		}
		count := 0
		for line := range bytes.Lines(b) {
			count++
			var v T
			if err := json.Unmarshal(line, &v); err != nil {
				return nil, fmt.Errorf("shard %s, line %d: %w", shard.Digest, count, err)
			}
			all = append(all, v)
		}
		if count != shard.Records {
			return nil, fmt.Errorf("shard %s: %d records, the manifest says %d", shard.Digest, count, shard.Records)
		}
	}
	return all, nil
}
