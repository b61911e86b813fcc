// The judge checks what Psephos writes with golang.org/x/mod/sumdb/note and tlog. See README.md beside it.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const usage = "usage: judge checkpoint|receipt|consistency|tiles|sign|cosigned|cosign ...; see README.md"

func main() {
	commands := map[string]struct {
		arguments int
		run       func(arguments []string) error
	}{
		"checkpoint":  {2, checkpoint},
		"receipt":     {3, receipt},
		"consistency": {4, consistency},
		"tiles":       {3, tiles},
		"sign":        {2, sign},
		"cosigned":    {3, cosigned},
		"cosign":      {4, cosign},
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	command, ok := commands[os.Args[1]]
	if !ok || len(os.Args)-2 != command.arguments {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := command.run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open verifies a checkpoint and parses its tree. tlog.ParseTree knows one origin only, that of the Go checksum
// database, so the line is replaced once it has been compared with the key's name.
func open(vkey string, text []byte) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	origin := verifier.Name() + "\n"
	if !strings.HasPrefix(opened.Text, origin) {
		return tlog.Tree{}, errors.New("the origin is not the key's name")
	}
	if strings.Count(opened.Text, "\n") != 3 {
		return tlog.Tree{}, errors.New("not three lines")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + opened.Text[len(origin):]))
}

func openFile(vkey, path string) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	return open(vkey, text)
}

func checkpoint(arguments []string) error {
	tree, err := openFile(arguments[0], arguments[1])
	if err != nil {
		return err
	}
	fmt.Printf("%d %s\n", tree.N, tree.Hash)
	return nil
}

func receipt(arguments []string) error {
	text, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(arguments[2])
	if err != nil {
		return err
	}
	split := bytes.Index(text, []byte("\n\n"))
	if split < 0 {
		return errors.New("no empty line")
	}
	lines := strings.Split(string(text[:split]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := hashes(lines[1:])
	if err != nil {
		return err
	}
	tree, err := open(arguments[0], text[split+2:])
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func consistency(arguments []string) error {
	older, err := openFile(arguments[0], arguments[1])
	if err != nil {
		return err
	}
	newer, err := openFile(arguments[0], arguments[2])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(arguments[3])
	if err != nil {
		return err
	}
	proof, err := hashes(strings.Fields(string(text)))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash)
}

// directory reads tiles of height 8 from files.
type directory string

func (d directory) Height() int { return 8 }

func (d directory) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(d), fmt.Sprintf("%d-%d", tile.L, tile.N)))
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d-%d has %d bytes", tile.L, tile.N, len(data))
		}
		read = append(read, data[:tile.W*tlog.HashSize])
	}
	return read, nil
}

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

// tiles reads every hash of the tree through tlog's tile reader and compares it with the one recomputed from the leaf
// hashes. The reader alone won't do as a judge: in x/mod 0.7.0 it leaves some full tiles unauthenticated.
func tiles(arguments []string) error {
	tree, err := openFile(arguments[0], arguments[1])
	if err != nil {
		return err
	}
	indexes := make([]int64, tlog.StoredHashCount(tree.N))
	for i := range indexes {
		indexes[i] = int64(i)
	}
	read, err := tlog.TileHashReader(tree, directory(arguments[2])).ReadHashes(indexes)
	if err != nil {
		return err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for n := int64(0); n < tree.N; n++ {
		hashes, err := tlog.StoredHashesForRecordHash(n, read[tlog.StoredHashIndex(0, n)], reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	for index, hash := range stored {
		if hash != read[index] {
			return fmt.Errorf("stored hash %d differs", index)
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the leaves don't have the root of the checkpoint")
	}
	fmt.Println(len(stored))
	return nil
}

func sign(arguments []string) error {
	signer, err := note.NewSigner(arguments[0])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}

// cosignatureV1 is the signature type of c2sp.org/tlog-cosignature with Ed25519, which x/mod's note does not know.
const cosignatureV1 = 4

// cosigner is the note.Verifier and note.Signer of one cosigner, written from the specification.
type cosigner struct {
	name    string
	hash    uint32
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	time    uint64
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func cosignedMessage(time uint64, body []byte) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), body...)
}

// Verify takes a timestamped_signature: eight bytes of time, big-endian, and the signature.
func (c *cosigner) Verify(body, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	if !ed25519.Verify(c.public, cosignedMessage(time, body), signature[8:]) {
		return false
	}
	c.time = time
	return true
}

func (c *cosigner) Sign(body []byte) ([]byte, error) {
	stamp := make([]byte, 8)
	binary.BigEndian.PutUint64(stamp, c.time)
	return append(stamp, ed25519.Sign(c.private, cosignedMessage(c.time, body))...), nil
}

// keyParts reads name+hash+base64(0x04 || key), as a verifier key is written and, after PRIVATE+KEY+, a signer's.
func keyParts(text string) (name string, hash uint32, key []byte, err error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return "", 0, nil, errors.New("not name+hash+key")
	}
	id, err := hex.DecodeString(parts[1])
	if err != nil || len(id) != 4 {
		return "", 0, nil, errors.New("the hash of a key has eight hexadecimal digits")
	}
	key, err = base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return "", 0, nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureV1 {
		return "", 0, nil, errors.New("not a key of cosignature/v1")
	}
	return parts[0], binary.BigEndian.Uint32(id), key[1:], nil
}

// newCosigner checks that the hash is the one of name, type and public key.
func newCosigner(name string, hash uint32, public ed25519.PublicKey) (*cosigner, error) {
	digest := sha256.Sum256(append([]byte(name+"\n\x04"), public...))
	if binary.BigEndian.Uint32(digest[:]) != hash {
		return nil, errors.New("the hash is not that of the key")
	}
	return &cosigner{name: name, hash: hash, public: public}, nil
}

// cosigned opens a checkpoint with the verifiers of its log and of a cosigner, and demands the signatures of both. It
// prints who signed, in the order of the note, and the time of the cosignature.
func cosigned(arguments []string) error {
	log, err := note.NewVerifier(arguments[0])
	if err != nil {
		return err
	}
	name, hash, public, err := keyParts(arguments[1])
	if err != nil {
		return err
	}
	witness, err := newCosigner(name, hash, public)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(arguments[2])
	if err != nil {
		return err
	}
	opened, err := note.Open(text, note.VerifierList(log, witness))
	if err != nil {
		return err
	}
	by := map[string]bool{}
	for _, signature := range opened.Sigs {
		by[signature.Name] = true
		fmt.Println(signature.Name)
	}
	if !by[log.Name()] || !by[witness.Name()] {
		return errors.New("not signed by both")
	}
	fmt.Println(witness.time)
	return nil
}

// cosign adds the line of the cosigner with a seed to a checkpoint that its log signed.
func cosign(arguments []string) error {
	log, err := note.NewVerifier(arguments[0])
	if err != nil {
		return err
	}
	const prefix = "PRIVATE+KEY+"
	if !strings.HasPrefix(arguments[1], prefix) {
		return errors.New("not a signer's key")
	}
	name, hash, seed, err := keyParts(strings.TrimPrefix(arguments[1], prefix))
	if err != nil {
		return err
	}
	private := ed25519.NewKeyFromSeed(seed)
	witness, err := newCosigner(name, hash, private.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	witness.private = private
	witness.time, err = strconv.ParseUint(arguments[2], 10, 64)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(arguments[3])
	if err != nil {
		return err
	}
	opened, err := note.Open(text, note.VerifierList(log))
	if err != nil {
		return err
	}
	signed, err := note.Sign(opened, witness)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var parsed []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, hash)
	}
	return parsed, nil
}
