"""What the wheel carries from the repository's top level: the graph and the lock.

What belongs here: links to files that stand elsewhere; building a wheel copies what they point to, so that an installed
package has them and nothing stands twice. What does not: files of its own. (The graph's link has another name than
``dvc.yaml``, or DVC would take it for a second pipeline.)
"""
