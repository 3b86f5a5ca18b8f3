"""The page's back end over ROS: an ordinary client of the node's topics and services, in its own process."""
