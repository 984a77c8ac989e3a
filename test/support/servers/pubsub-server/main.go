// The test server of Google's own Pub/Sub client for Go, as a program: nothing is kept when it ends, nobody is asked who he is.
//
// Around it is what the service does and the test server leaves out: its limits on what is published, and a Pull that
// answers as soon as something is there. `-refuse PERMISSION_DENIED` answers every call so, which no test server does
// by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"strings"
	"sync"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// What the service takes in one request, and of one message.
	maxRequestBytes    = 10_000_000
	maxRequestMessages = 1_000
	maxKeyBytes        = 1_024
	maxAttributes      = 100
	maxNameBytes       = 256
	maxValueBytes      = 1_024

	// How long a Pull waits for a first message.
	patience = 20 * time.Second
	// How often it looks for what came free by time alone.
	look = 100 * time.Millisecond
)

type server struct {
	*pstest.GServer
	mu      sync.Mutex
	changed chan struct{}
}

// change is closed at the next change.
func (s *server) change() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *server) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) Publish(ctx context.Context, request *pb.PublishRequest) (*pb.PublishResponse, error) {
	if err := check(request); err != nil {
		return nil, err
	}
	defer s.wake()
	return s.GServer.Publish(ctx, request)
}

func (s *server) Acknowledge(ctx context.Context, request *pb.AcknowledgeRequest) (*emptypb.Empty, error) {
	defer s.wake()
	return s.GServer.Acknowledge(ctx, request)
}

func (s *server) ModifyAckDeadline(ctx context.Context, request *pb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	defer s.wake()
	return s.GServer.ModifyAckDeadline(ctx, request)
}

// Pull waits for a first message. That of the test server looks but twice, half a second apart.
func (s *server) Pull(ctx context.Context, request *pb.PullRequest) (*pb.PullResponse, error) {
	request = proto.Clone(request).(*pb.PullRequest)
	request.ReturnImmediately = true //nolint:staticcheck // deprecated for those who pull
	deadline := time.After(patience)
	for {
		if err := ctx.Err(); err != nil {
			return nil, status.FromContextError(err).Err()
		}
		changed := s.change()
		response, err := s.GServer.Pull(ctx, request)
		if err != nil || len(response.ReceivedMessages) > 0 {
			return response, err
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(look):
		case <-deadline:
			return response, nil
		}
	}
}

func check(request *pb.PublishRequest) error {
	if n := len(request.Messages); n > maxRequestMessages {
		return status.Errorf(codes.InvalidArgument, "The value for message_count is too large: %d", n)
	}
	if n := proto.Size(request); n > maxRequestBytes {
		return status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes", n)
	}
	for _, message := range request.Messages {
		if len(message.Data) == 0 && len(message.Attributes) == 0 {
			return status.Error(codes.InvalidArgument, "A message must have data or at least one attribute")
		}
		if len(message.OrderingKey) > maxKeyBytes || len(message.Attributes) > maxAttributes {
			return status.Error(codes.InvalidArgument, "The ordering key or the attributes are too large")
		}
		for name, value := range message.Attributes {
			if name == "" || strings.HasPrefix(name, "goog") || len(name) > maxNameBytes || len(value) > maxValueBytes {
				return status.Errorf(codes.InvalidArgument, "The attribute %q is not allowed", name)
			}
		}
	}
	return nil
}

func main() {
	address := flag.String("addr", "127.0.0.1:0", "where to listen")
	refuse := flag.String("refuse", "", "a code that every call is answered with, such as PERMISSION_DENIED")
	flag.Parse()
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20), grpc.MaxSendMsgSize(64 << 20)} // its own: 4 MiB
	if *refuse != "" {
		var code codes.Code
		if err := code.UnmarshalJSON([]byte(`"` + *refuse + `"`)); err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.UnaryInterceptor(
			func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
				return nil, status.Error(code, "injected: "+*refuse)
			}))
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	s := &server{GServer: &fake.GServer, changed: make(chan struct{})}
	g := grpc.NewServer(options...)
	pb.RegisterPublisherServer(g, s)
	pb.RegisterSubscriberServer(g, s)
	fmt.Println("READY", listener.Addr())
	log.Fatal(g.Serve(listener))
}
