// Command tables derives the Chinese tables that packages text/segment and
// text/script embed, from the dictionaries of pinned packages:
//
//	go run ./cmd/tables segment DICT.TXT SHA256 text/segment/tables/chinese.gz
//	go run ./cmd/tables script DICT-FOLDER SHA256 text/script/tables/script.gz
//
// SHA256 is that of the table before it is packed: another dictionary, or a
// machine that rounds otherwise, is noticed instead of built in. scripts/tables.sh
// fetches the packages and runs both; nobody else needs to.
package main
