package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"syscall"

	"go.etcd.io/raft/v3/raftpb"
)

// Wal is one member's log of all its groups: records appended to a preallocated file, one checksum and one fdatasync a
// batch. It is never read here; a full file begins again at its start, so that a long run needs no more room.
type Wal struct {
	file     *os.File
	position int64
	batch    []byte
	noSync   bool
}

const (
	walBytes        = 256 << 20
	walHeaderBytes  = 8
	recordEntry     = 1
	recordHardState = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func OpenWal(folder string, name string, noSync bool) (*Wal, error) {
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	if err := syscall.Fallocate(int(file.Fd()), 0, 0, walBytes); err != nil {
		return nil, err
	}
	// Written once: a block that was only reserved costs the file system a change of its maps at the first sync.
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < walBytes; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros, at); err != nil {
			return nil, err
		}
	}
	return &Wal{file: file, batch: make([]byte, walHeaderBytes), noSync: noSync}, file.Sync()
}

func (wal *Wal) AddHardState(group int, state *raftpb.HardState) {
	wal.batch = append(wal.batch, recordHardState)
	wal.batch = binary.AppendUvarint(wal.batch, uint64(group))
	wal.batch = binary.AppendUvarint(wal.batch, state.GetTerm())
	wal.batch = binary.AppendUvarint(wal.batch, state.GetVote())
	wal.batch = binary.AppendUvarint(wal.batch, state.GetCommit())
}

func (wal *Wal) AddEntry(group int, entry *raftpb.Entry) {
	wal.batch = append(wal.batch, recordEntry)
	wal.batch = binary.AppendUvarint(wal.batch, uint64(group))
	wal.batch = binary.AppendUvarint(wal.batch, entry.GetIndex())
	wal.batch = binary.AppendUvarint(wal.batch, entry.GetTerm())
	wal.batch = append(wal.batch, byte(entry.GetType()))
	wal.batch = binary.AppendUvarint(wal.batch, uint64(len(entry.GetData())))
	wal.batch = append(wal.batch, entry.GetData()...)
}

// Write puts the batch behind what has been written; with mustSync it is on the disk when this returns.
func (wal *Wal) Write(mustSync bool) error {
	if len(wal.batch) == walHeaderBytes {
		return nil
	}
	binary.LittleEndian.PutUint32(wal.batch, uint32(len(wal.batch)-walHeaderBytes))
	binary.LittleEndian.PutUint32(wal.batch[4:], crc32.Checksum(wal.batch[walHeaderBytes:], castagnoli))
	if wal.position+int64(len(wal.batch)) > walBytes {
		wal.position = 0
	}
	if _, err := wal.file.WriteAt(wal.batch, wal.position); err != nil {
		return err
	}
	wal.position += int64(len(wal.batch))
	wal.batch = wal.batch[:walHeaderBytes]
	if !mustSync || wal.noSync {
		return nil
	}
	return syscall.Fdatasync(int(wal.file.Fd()))
}
