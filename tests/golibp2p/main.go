// A go-libp2p node that the tests hold our network to.
//
// It dials the node whose multiaddr is its first argument, and says on standard output, one JSON object a
// line, what it saw: who it was told that the node is, a ping, an answer on a protocol of ours, what it
// heard on a topic, and who provides a key. It publishes one message of its own.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
)

func say(fields map[string]any) {
	line, err := json.Marshal(fields)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	address, topicName, echo, key := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()

	host, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	check(err)
	defer host.Close()
	say(map[string]any{"event": "self", "peer": host.ID().String()})

	target, err := peer.AddrInfoFromString(address)
	check(err)
	began := time.Now()
	check(host.Connect(ctx, *target))
	say(map[string]any{"event": "connected", "ms": time.Since(began).Milliseconds()})

	result := <-ping.Ping(ctx, host, target.ID)
	check(result.Error)
	say(map[string]any{"event": "ping", "us": result.RTT.Microseconds()})

	// Identify has run by the time Connect returns.
	protocols, err := host.Peerstore().GetProtocols(target.ID)
	check(err)
	agent, _ := host.Peerstore().Get(target.ID, "AgentVersion")
	say(map[string]any{"event": "identified", "protocols": protocols, "agent": agent})

	stream, err := host.NewStream(ctx, target.ID, protocol.ID(echo))
	check(err)
	request := make([]byte, 100000)
	_, err = rand.Read(request)
	check(err)
	_, err = stream.Write(append(binary.AppendUvarint(nil, uint64(len(request))), request...))
	check(err)
	reader := bufio.NewReader(stream)
	size, err := binary.ReadUvarint(reader)
	check(err)
	answer := make([]byte, size)
	_, err = io.ReadFull(reader, answer)
	check(err)
	say(map[string]any{"event": "echo", "same": string(answer) == string(request)})
	check(stream.Close())

	gossip, err := pubsub.NewGossipSub(ctx, host)
	check(err)
	topic, err := gossip.Join(topicName)
	check(err)
	subscription, err := topic.Subscribe()
	check(err)
	for len(topic.ListPeers()) == 0 {
		time.Sleep(50 * time.Millisecond)
	}
	say(map[string]any{"event": "subscribed"})

	table, err := dht.New(ctx, host, dht.ProtocolPrefix("/ainur"), dht.Mode(dht.ModeServer),
		dht.BootstrapPeers(*target))
	check(err)
	check(table.Bootstrap(ctx))
	for table.RoutingTable().Size() == 0 {
		time.Sleep(50 * time.Millisecond)
	}
	raw, err := hex.DecodeString(key)
	check(err)
	wanted := cid.NewCidV1(cid.Raw, multihash.Multihash(raw))
	for info := range table.FindProvidersAsync(ctx, wanted, 10) {
		addresses := []string{}
		for _, a := range info.Addrs {
			addresses = append(addresses, a.String())
		}
		say(map[string]any{"event": "provider", "peer": info.ID.String(), "addresses": addresses})
		if len(addresses) > 0 {
			_, err := multiaddr.NewMultiaddr(addresses[0])
			check(err)
		}
	}
	check(table.Provide(ctx, wanted, true))
	say(map[string]any{"event": "provided"})

	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = topic.Publish(ctx, []byte(fmt.Sprintf("from go %d", i)))
			time.Sleep(500 * time.Millisecond)
		}
	}()
	for {
		message, err := subscription.Next(ctx)
		if err != nil {
			return
		}
		if message.GetFrom() != host.ID() {
			say(map[string]any{"event": "heard", "from": message.GetFrom().String(), "data": string(message.Data)})
		}
	}
}
