// Command ask puts one request to each of the worked examples' models on a server, over
// OpenAI's API, and shows the answers beside the right ones.
package main
