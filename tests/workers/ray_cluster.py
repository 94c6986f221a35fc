"""A Ray cluster of a head and two nodes on this machine; a line on standard input kills one node.

    python ray_cluster.py

The first line that it prints is the cluster's address.
"""

from __future__ import annotations

import sys

from ray.cluster_utils import Cluster

MEMORY = 80 * 2**20


def main() -> None:
    head = {"num_cpus": 0, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=MEMORY) for _ in range(2)]
    try:
        print(cluster.address, flush=True)
        for _ in sys.stdin:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
