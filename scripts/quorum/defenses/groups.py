"""Groups of near duplicates at every threshold at once, and which text of each group came first."""

from __future__ import annotations

import numpy as np


def merging_levels(one: np.ndarray, other: np.ndarray, similarity: np.ndarray, arrival: np.ndarray) -> np.ndarray:
    """For every node the largest similarity at which it is joined with a node that arrived before; 0 if it never is.

    one, other: (m,) nodes, each pair once, first < second; similarity: (m,) of each pair, in 0..1. arrival: (n,) place
    of each node in the stream, infinite for nodes that are not in it (they join others, and are first of nothing).
    Joined at a threshold t are nodes that a path of similarities above t connects (single linkage). As t falls, groups
    merge, and of two that do, the one whose first node came later loses it as a first: its level is the similarity at
    which they merge (the elder rule of persistent homology). So at every threshold t the first nodes of the groups are
    exactly those in the stream with a level of at most t.
    """
    level = np.zeros(len(arrival))
    elder_of = list(range(len(arrival)))
    came = arrival.tolist()
    for edge in _spanning_forest(one, other, similarity, len(arrival)):
        mine, theirs = int(one[edge]), int(other[edge])
        while elder_of[mine] != mine:
            elder_of[mine] = mine = elder_of[elder_of[mine]]
        while elder_of[theirs] != theirs:
            elder_of[theirs] = theirs = elder_of[elder_of[theirs]]
        elder, younger = (mine, theirs) if came[mine] <= came[theirs] else (theirs, mine)
        elder_of[younger] = elder
        if came[younger] != np.inf:
            level[younger] = similarity[edge]
    return level


def _spanning_forest(one: np.ndarray, other: np.ndarray, similarity: np.ndarray, size: int) -> np.ndarray:
    """The pairs that join something new when all are added from the most similar on, in that order.

    Levels follow from these alone: any two nodes are joined by them at the same similarity as by all pairs.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    order = np.argsort(-similarity, kind="stable")
    place = np.arange(1.0, len(order) + 1)  # distinct weights, so that each names its pair
    tree = minimum_spanning_tree(csr_array((place, (one[order], other[order])), shape=(size, size)))
    return order[np.sort(tree.data).astype(np.int64) - 1]
