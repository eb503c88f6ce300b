// Command grammar measures what structured output costs a decode step: the mask of the
// allowed tokens, its application to the logits, and going on by the token that is drawn,
// on one thread.
//
//	bench/grammar/fetch.sh .cache/grammar
//	go run ./bench/grammar -tokenizer .cache/grammar/tokenizer.json
//
// The tokenizer is Qwen's, with 151,669 tokens. Each case is a schema and answers that a
// model would write, which are gone through token by token. "First" is a server that has
// never seen the schema, which pays for the masks that it then keeps; "again" is the same
// schema with other answers. Shares are of -step, a decode step of the 0.5B shape in Q8_0
// on the same machine, which troika bench measures. Times are of the processor, so that
// other work on the machine leaves them nearly as they are.
package main
