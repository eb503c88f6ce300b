// Package tokenizer turns text into token ids and back, as a Hugging Face
// tokenizer.json says.
//
// It covers byte-pair encoding in both of its families: byte-level (GPT-2,
// Llama 3, Qwen 2 and 3, SmolLM, DeepSeek ...) and SentencePiece-style with
// byte fallback (Llama 2, TinyLlama, Mistral, Gemma); WordPiece (BERT); and
// Unigram (XLM-RoBERTa, T5). Ids equal those of Hugging Face tokenizers 0.23
// and are tested against it.
//
// # Terms
//
// A text goes through these parts in order, each a component of the file:
//
//   - added tokens are cut out of the text; those that are special (beginning
//     of sequence, end of turn) may be skipped when decoding
//   - the normalizer rewrites what lies between them
//   - the pre-tokenizer splits that into pieces; nothing is merged across two
//   - the model cuts a piece into tokens: BPE merges its symbols, bytes or
//     characters, pair by pair, lowest rank first; WordPiece takes the longest
//     token each time; Unigram takes the cut of the highest total score
//   - the post-processor puts ids around the whole: the frame
//   - the decoder undoes all of this
//
// # Invariants
//
//   - A Tokenizer never changes, and one may serve any number of goroutines.
//     It remembers the ids of short words in a bounded table; results do not
//     depend on what that holds.
//   - Encoding takes O(n log n) time for any text of n bytes. Patterns that
//     have no hand-written splitter run on Go's regexp: slower, and linear for
//     each match.
//   - Every text has ids: ill-formed UTF-8 is read as U+FFFD for each maximal
//     ill-formed part, which is what Python's bytes.decode("utf-8",
//     errors="replace") hands to Hugging Face.
//   - What a file asks for and this package cannot do is an error of [Load]
//     that names it, with two exceptions: truncation and padding are left to
//     the caller, as transformers does.
//
// [Train] learns a byte-level vocabulary from text and writes such a file.
// Chat templates are package tokenizer/chat, and finding the files of a model
// is left to package bundle.
package tokenizer
