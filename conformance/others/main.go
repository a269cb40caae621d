// Reads an exported log of a node with a verifier and a note reader that others wrote: golang.org/x/mod, packages sumdb/note and
// sumdb/tlog. Everything of them but the paths of tiles, which C2SP tlog-tiles writes without the height.
//
//	tlog VKEY FOLDER [RECEIPT…]
//
// VKEY: the log's key, or a file with it. FOLDER: `checkpoint`, `tile/…`, `tile/entries/…`. A RECEIPT is of one entry. Every entry is
// proved to be in the log, and every size to be the beginning of it. Exit 0 and the counts, or 1 and the first fault.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// tiles is a tlog.TileReader over a folder in the form of C2SP tlog-tiles. It must not trust them: tlog.TileHashReader checks them
// against the signed root.
type tiles struct{ folder string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		read, err := os.ReadFile(filepath.Join(t.folder, path(tile)))
		if err != nil {
			return nil, err
		}
		if len(read) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(tile), len(read))
		}
		all = append(all, read)
	}
	return all, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// path: `tile/8/0/x001/067.p/5` here is `tile/0/x001/067.p/5` there.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

// entries are the leaves of the log's bundles: each after its length as two bytes.
func entries(folder string, size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		tile := tlog.Tile{H: height, L: 0, N: n, W: int(min(256, size-n*256))}
		name := strings.Replace(path(tile), "tile/0/", "tile/entries/", 1)
		read, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		for i := 0; i < tile.W; i++ {
			if len(read) < 2 || len(read) < 2+int(binary.BigEndian.Uint16(read)) {
				return nil, fmt.Errorf("%s is cut short", name)
			}
			length := int(binary.BigEndian.Uint16(read))
			all = append(all, read[2:2+length])
			read = read[2+length:]
		}
		if len(read) != 0 {
			return nil, fmt.Errorf("%s has more than its entries", name)
		}
	}
	return all, nil
}

// open is a checkpoint whose signature holds. The C2SP form begins with the origin where sumdb has a line of its own.
func open(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	origin, rest, found := strings.Cut(opened.Text, "\n")
	if !found || origin != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("a checkpoint of %q", origin)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func checkLog(folder string, verifier note.Verifier) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	tree, err := open(text, verifier)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	reader := tlog.TileHashReader(tree, tiles{folder})
	leaves, err := entries(folder, tree.N)
	if err != nil {
		return "", err
	}
	var stored []tlog.Hash
	roots := map[int64]tlog.Hash{}
	local := tlog.HashReaderFunc(func(wanted []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(wanted))
		for i, at := range wanted {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, local)
		if err != nil {
			return "", err
		}
		stored = append(stored, more...)
		if roots[int64(i)+1], err = tlog.TreeHash(int64(i)+1, local); err != nil {
			return "", err
		}
	}
	if roots[tree.N] != tree.Hash {
		return "", errors.New("the entries have another root than the checkpoint")
	}
	for i, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
		if err != nil {
			return "", fmt.Errorf("entry %d: %w", i, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(leaf)); err != nil {
			return "", fmt.Errorf("entry %d: %w", i, err)
		}
		size := int64(i) + 1
		older, err := tlog.ProveTree(tree.N, size, reader)
		if err != nil {
			return "", fmt.Errorf("size %d: %w", size, err)
		}
		if err := tlog.CheckTree(older, tree.N, tree.Hash, size, roots[size]); err != nil {
			return "", fmt.Errorf("size %d: %w", size, err)
		}
	}
	return fmt.Sprintf("%d entries, %d older sizes", len(leaves), len(leaves)), nil
}

// checkReceipt: the leaf is in the log, by the proof that stands beside it as C2SP tlog-proof.
func checkReceipt(file string, verifier note.Verifier) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var receipt struct{ Leaf, Proof string }
	if err := json.Unmarshal(text, &receipt); err != nil {
		return err
	}
	leaf, err := base64.StdEncoding.DecodeString(receipt.Leaf)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(receipt.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no tlog-proof")
	}
	var index int64
	if _, err := fmt.Sscanf(lines[1], "index %d", &index); err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != sha256.Size {
			return fmt.Errorf("%q is no hash", line)
		}
		proof = append(proof, tlog.Hash(bytes.Clone(hash)))
	}
	tree, err := open([]byte(signed), verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
}

func run(arguments []string) (string, error) {
	if len(arguments) < 2 {
		return "", errors.New("usage: tlog VKEY FOLDER [RECEIPT…]")
	}
	key := arguments[0]
	if text, err := os.ReadFile(key); err == nil {
		key = strings.TrimSpace(string(text))
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", err
	}
	told, err := checkLog(arguments[1], verifier)
	if err != nil {
		return "", err
	}
	for _, file := range arguments[2:] {
		if err := checkReceipt(file, verifier); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	return fmt.Sprintf("%s, %d receipts", told, len(arguments)-2), nil
}

func main() {
	told, err := run(os.Args[1:])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(told)
}
