package tokenizer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
)

const (
	// maxTrainWord is the longest piece that training counts, in bytes. What
	// is longer is data (base64, a long rule), not words.
	maxTrainWord = 1 << 10
	// countShards is the number of parts of the word-count table.
	countShards = 64
	// countBatch is the number of words a worker collects before it adds them
	// to the table.
	countBatch = 1 << 14
)

// TrainConfig says what [Train] learns.
type TrainConfig struct {
	// VocabSize is the number of tokens to reach, the 256 bytes and the
	// special tokens included. Text may run out of pairs before.
	VocabSize int
	// SpecialTokens take the ids after the learned ones, in this order.
	SpecialTokens []string
	// MinCount is the least number of occurrences of a pair that is merged;
	// 0 means 2.
	MinCount int
	// MaxTokenBytes bounds a learned token; 0 means 64.
	MaxTokenBytes int
	// Threads counts words; 0 means one for each processor. The result does
	// not depend on it.
	Threads int
}

// Train learns a byte-level BPE vocabulary from documents and returns its
// tokenizer.json, for [Load] and for Hugging Face: NFC, Qwen2's split, bytes.
//
// Training repeats one step: of all neighbouring pairs of tokens, the one that
// occurs most often becomes a token; of several, the one whose left, then
// right token has the lowest id. The same documents in any order and any
// number of threads give the same bytes. Special tokens in a document are
// text. Memory grows with the table of distinct pieces, not with the text;
// pieces of more than a kilobyte are left out.
func Train(ctx context.Context, docs iter.Seq[string], c TrainConfig) ([]byte, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	words, err := countWords(ctx, docs, c.Threads)
	if err == nil && words.len() == 0 {
		err = errors.New("there is no text to learn from")
	}
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	l := newLearner(words, c)
	if err := l.learn(ctx); err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	return l.file()
}

func (c TrainConfig) withDefaults() (TrainConfig, error) {
	if c.MinCount == 0 {
		c.MinCount = 2
	}
	if c.MaxTokenBytes == 0 {
		c.MaxTokenBytes = 64
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	least := 256 + len(c.SpecialTokens)
	switch {
	case c.VocabSize < least:
		return c, fmt.Errorf("vocabulary of %d tokens: bytes and special tokens alone are %d", c.VocabSize, least)
	case c.VocabSize > maxID:
		return c, fmt.Errorf("vocabulary of %d tokens is over %d", c.VocabSize, maxID)
	case c.MinCount < 0 || c.MaxTokenBytes < 0 || c.Threads < 0:
		return c, errors.New("a negative limit")
	}
	for i, s := range c.SpecialTokens {
		switch {
		case s == "" || len(s) > maxAddedToken:
			return c, fmt.Errorf("special token %d has %d bytes", i, len(s))
		case s != replaceInvalid(s):
			return c, fmt.Errorf("special token %q is not UTF-8", s)
		case slices.Contains(c.SpecialTokens[:i], s):
			return c, fmt.Errorf("special token %q is there twice", s)
		}
	}
	return c, nil
}

// wordCounts is the table of distinct pieces.
type wordCounts struct {
	shards [countShards]struct {
		sync.Mutex
		counts map[string]int64
	}
}

func (w *wordCounts) len() int {
	n := 0
	for i := range w.shards {
		n += len(w.shards[i].counts)
	}
	return n
}

// add moves a worker's counts to the table.
func (w *wordCounts) add(batch map[string]int64) {
	for word, n := range batch {
		s := &w.shards[hashString(word)%countShards]
		s.Lock()
		if _, ok := s.counts[word]; !ok {
			// The word may be a part of a document: let that go.
			word = strings.Clone(word)
		}
		s.counts[word] += n
		s.Unlock()
	}
	clear(batch)
}

// countWords splits documents on several goroutines. Sums do not depend on the
// order of their terms, so neither does the table.
func countWords(ctx context.Context, docs iter.Seq[string], threads int) (*wordCounts, error) {
	table := &wordCounts{}
	for i := range table.shards {
		table.shards[i].counts = map[string]int64{}
	}
	work := make(chan string, 2*threads)
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			batch := map[string]int64{}
			for doc := range work {
				countDocument(doc, batch, table)
			}
			table.add(batch)
		})
	}
	var err error
	for doc := range docs {
		if err = ctx.Err(); err != nil {
			break
		}
		work <- doc
	}
	close(work)
	wg.Wait()
	return table, err
}

func countDocument(doc string, batch map[string]int64, table *wordCounts) {
	s := normalForm{compose: true}.normalize(piece{s: replaceInvalid(doc)}).s
	t := classes()
	for i := 0; i < len(s); {
		end := scanCL100K(t, s, i, 1, classL)
		if end-i <= maxTrainWord {
			batch[s[i:end]]++
		}
		i = end
		if len(batch) >= countBatch {
			table.add(batch)
		}
	}
	// Words are parts of s until table.add clones them.
	table.add(batch)
}

// learner holds the words as symbols and merges pair after pair.
type learner struct {
	c      TrainConfig
	tokens []string // by id: the bytes of each token
	merges [][2]int32

	symbols []int32 // all words, one after the other
	words   []trainWord

	pairs map[uint64]int32 // pair -> place in stats
	stats []pairStat
	queue pairQueue
}

// trainWord is a word's place in symbols; size shrinks as pairs merge.
type trainWord struct {
	start, size int
	count       int64
}

// pairStat is what is known of a pair: how often it occurs, and the words that
// hold it or once did.
type pairStat struct {
	key   uint64
	count int64
	words []uint32
	grown bool // counted up since it was last queued
}

func newLearner(table *wordCounts, c TrainConfig) *learner {
	l := &learner{c: c, pairs: map[uint64]int32{}}
	// Bytes take their ids in the order of their characters in GPT-2's
	// alphabet, as Hugging Face's trainer has it.
	order := make([]byte, 256)
	for i := range order {
		order[i] = byte(i)
	}
	slices.SortFunc(order, func(a, b byte) int { return int(byteRunes[a] - byteRunes[b]) })
	var ids [256]int32
	for id, b := range order {
		ids[b] = int32(id)
		l.tokens = append(l.tokens, string([]byte{b}))
	}
	l.words = make([]trainWord, 0, table.len())
	for i := range table.shards {
		for word, n := range table.shards[i].counts {
			l.words = append(l.words, trainWord{len(l.symbols), len(word), n})
			for _, b := range []byte(word) {
				l.symbols = append(l.symbols, ids[b])
			}
		}
		table.shards[i].counts = nil
	}
	l.countPairs()
	return l
}

// countPairs makes the statistics of the pairs of bytes.
func (l *learner) countPairs() {
	for w, word := range l.words {
		s := l.symbols[word.start : word.start+word.size]
		for i := 1; i < len(s); i++ {
			l.change(s[i-1], s[i], word.count, uint32(w))
		}
	}
	l.queueGrown()
}

// change adds n occurrences of a pair in word w; n may be negative.
func (l *learner) change(a, b int32, n int64, w uint32) {
	key := pairKey(a, b)
	at, ok := l.pairs[key]
	if !ok {
		if n < 0 || len(l.tokens[a])+len(l.tokens[b]) > l.c.MaxTokenBytes {
			return
		}
		at = int32(len(l.stats))
		l.pairs[key] = at
		l.stats = append(l.stats, pairStat{key: key})
	}
	p := &l.stats[at]
	p.count += n
	if n < 0 {
		return
	}
	if k := len(p.words); k == 0 || p.words[k-1] != w {
		p.words = append(p.words, w)
	}
	if !p.grown {
		p.grown = true
		l.queue.grown = append(l.queue.grown, at)
	}
}

// queueGrown queues the pairs that were counted up.
func (l *learner) queueGrown() {
	for _, at := range l.queue.grown {
		p := &l.stats[at]
		p.grown = false
		if p.count > 0 {
			l.queue.push(queuedPair{p.count, p.key, at})
		}
	}
	l.queue.grown = l.queue.grown[:0]
}

// learn merges until the vocabulary is full or no pair is frequent enough.
func (l *learner) learn(ctx context.Context) error {
	ids := make(map[string]int32, l.c.VocabSize)
	for id, token := range l.tokens {
		ids[token] = int32(id)
	}
	for len(l.tokens) < l.c.VocabSize-len(l.c.SpecialTokens) && len(l.queue.heap) > 0 {
		top := l.queue.pop()
		p := &l.stats[top.at]
		if p.count != top.count {
			// The pair has become rarer since it was queued.
			if p.count > 0 {
				l.queue.push(queuedPair{p.count, p.key, top.at})
			}
			continue
		}
		if p.count < int64(l.c.MinCount) {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		a, b := int32(p.key>>32), int32(p.key&math.MaxUint32)
		token := l.tokens[a] + l.tokens[b]
		id, ok := ids[token]
		if !ok {
			id = int32(len(l.tokens))
			ids[token] = id
			l.tokens = append(l.tokens, token)
		}
		l.merges = append(l.merges, [2]int32{a, b})
		words := p.words
		p.words, p.count = nil, 0
		for _, w := range words {
			l.merge(w, a, b, id)
		}
		l.stats[top.at].count = 0
		l.queueGrown()
	}
	return nil
}

// merge joins every a, b of a word into id, from the left, and keeps the
// counts of the pairs around them.
func (l *learner) merge(w uint32, a, b, id int32) {
	word := &l.words[w]
	s := l.symbols[word.start : word.start+word.size]
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] != a || i+1 == len(s) || s[i+1] != b {
			s[n] = s[i]
			n++
			continue
		}
		if n > 0 {
			l.change(s[n-1], a, -word.count, w)
			l.change(s[n-1], id, word.count, w)
		}
		if i+2 < len(s) {
			l.change(b, s[i+2], -word.count, w)
			l.change(id, s[i+2], word.count, w)
		}
		s[n] = id
		n++
		i++
	}
	word.size = n
}

// queuedPair is a pair with the count it had when it was queued.
type queuedPair struct {
	count int64
	key   uint64
	at    int32
}

// before orders pairs for merging: the commonest first, then the lowest ids.
func (p queuedPair) before(q queuedPair) bool {
	if p.count != q.count {
		return p.count > q.count
	}
	return p.key < q.key
}

// pairQueue is a binary heap of pairs, some of them out of date.
type pairQueue struct {
	heap  []queuedPair
	grown []int32
}

func (q *pairQueue) push(p queuedPair) {
	q.heap = append(q.heap, p)
	i := len(q.heap) - 1
	for i > 0 && p.before(q.heap[(i-1)/2]) {
		q.heap[i] = q.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	q.heap[i] = p
}

func (q *pairQueue) pop() queuedPair {
	top, last := q.heap[0], len(q.heap)-1
	p := q.heap[last]
	q.heap = q.heap[:last]
	i := 0
	for {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && q.heap[c+1].before(q.heap[c]) {
			c++
		}
		if !q.heap[c].before(p) {
			break
		}
		q.heap[i] = q.heap[c]
		i = c
	}
	if last > 0 {
		q.heap[i] = p
	}
	return top
}

// file writes tokenizer.json in Hugging Face's layout.
func (l *learner) file() ([]byte, error) {
	bytesStep := map[string]any{
		"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false,
	}
	type token struct {
		ID         int    `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		LStrip     bool   `json:"lstrip"`
		RStrip     bool   `json:"rstrip"`
		Normalized bool   `json:"normalized"`
		Special    bool   `json:"special"`
	}
	specials := []token{}
	for i, s := range l.c.SpecialTokens {
		if slices.Contains(l.tokens, s) {
			return nil, fmt.Errorf("train tokenizer: special token %q is learned from the text as well", s)
		}
		specials = append(specials, token{ID: len(l.tokens) + i, Content: s, Special: true})
	}
	split := map[string]any{
		"type": "Split", "pattern": map[string]string{"Regex": patternQwen2}, "behavior": "Isolated", "invert": false,
	}
	vocab, merges, err := l.modelJSON()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, part := range []struct {
		name  string
		value any
	}{
		{"version", "1.0"},
		{"truncation", nil},
		{"padding", nil},
		{"added_tokens", specials},
		{"normalizer", map[string]string{"type": "NFC"}},
		{"pre_tokenizer", map[string]any{"type": "Sequence", "pretokenizers": []any{split, bytesStep}}},
		{"post_processor", bytesStep},
		{"decoder", bytesStep},
		{"model", map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": vocab, "merges": merges,
		}},
	} {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "\n  %q: ", part.name)
		b, err := json.Marshal(part.value)
		if err != nil {
			return nil, err
		}
		out.Write(b)
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// modelJSON writes the vocabulary in the order of ids, which encoding/json
// does not keep for maps, and the merges.
func (l *learner) modelJSON() (vocab, merges json.RawMessage, err error) {
	var v bytes.Buffer
	spelled := make([]string, len(l.tokens))
	for id, token := range l.tokens {
		spelled[id] = toByteLevel(token)
		key, err := json.Marshal(spelled[id])
		if err != nil {
			return nil, nil, err
		}
		sep := ","
		if id == 0 {
			sep = "{"
		}
		fmt.Fprintf(&v, "%s%s:%d", sep, key, id)
	}
	v.WriteByte('}')
	pairs := make([][2]string, len(l.merges))
	for i, m := range l.merges {
		pairs[i] = [2]string{spelled[m[0]], spelled[m[1]]}
	}
	merges, err = json.Marshal(pairs)
	return v.Bytes(), merges, err
}
