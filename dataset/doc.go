// Package dataset turns documents into immutable, content-addressed dataset
// versions with train, validation and test splits, and examples for training.
//
// Terms:
//
//   - record: one document, a text or a conversation, as it is trained or
//     evaluated on.
//   - cluster: records that must not be split: those that are near-duplicates
//     of one another, directly or through others, or share a group. Its name is
//     the smallest ID in it.
//   - split: "train", "validation" or "test".
//   - shard: a blob of JSON lines, records in the order of their IDs.
//   - manifest: the JSON that names the recipe and the digests of all shards.
//   - version: a manifest and what it names; its digest is the manifest's.
//   - example: a chat of messages in OpenAI's format.
//
// Invariants: a version depends on the documents, their digests and the recipe
// alone, not on the order of the documents or the number of workers; no two
// records that [Build] made have the same folded text; no cluster is in two
// splits; every document that went in is a record or is listed with the reason
// why not. Conversations come in splits that their owner made, and stay as given:
// [FromChats].
//
// Finding text in raw bytes is for package refine, tokens and batches for
// packages tokenizer and train, metrics for package eval.
package dataset
