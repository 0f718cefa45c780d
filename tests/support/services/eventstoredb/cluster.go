package esdbdouble

import (
	"context"
	"net"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// requireLeader refuses a call that wants the leader from a node that is not, as servers do: NotFound, with the rest in the trailer.
func (s *Server) requireLeader(call grpc.ServerStream) error {
	s.cluster.mu.Lock()
	leader := s.cluster.leader
	s.cluster.mu.Unlock()
	wanted := metadata.ValueFromIncomingContext(call.Context(), "requires-leader")
	if leader == s || len(wanted) == 0 || wanted[0] != "true" {
		return nil
	}
	host, port, err := net.SplitHostPort(leader.address)
	if err != nil {
		return err
	}
	s.refused.Add(1)
	call.SetTrailer(metadata.Pairs("exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", port))
	return status.Error(codes.NotFound, "Leader info available")
}

type gossipService struct {
	gossip.UnimplementedGossipServer
	node *Server
}

// Read tells who belongs to the cluster and who leads.
func (g gossipService) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	c := g.node.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	info := &gossip.ClusterInfo{}
	for _, n := range c.nodes {
		host, text, err := net.SplitHostPort(n.address)
		if err != nil {
			return nil, err
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, err
		}
		member := &gossip.MemberInfo{
			State: gossip.MemberInfo_Follower, IsAlive: true, HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(port)},
		}
		if n == c.leader {
			member.State = gossip.MemberInfo_Leader
		}
		info.Members = append(info.Members, member)
	}
	return info, nil
}

type featuresService struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods is what the vendor's client asks first.
func (featuresService) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: "23.10.0"}, nil
}
