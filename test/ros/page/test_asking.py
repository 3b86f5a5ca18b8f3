"""Services of the node that the page asks again and again."""

from rclpy.task import Future
from std_srvs.srv import Trigger

from s2iammask_ros.page.asking import Asking


def test_a_service_that_does_not_answer_is_connected_to_anew(world):
    """What is reached the second time answers; the first connection stands for one whose discovery failed."""
    made, heard = [], []

    class Deaf:
        def service_is_ready(self):
            return True

        def call_async(self, _request):
            return Future()

        def remove_pending_request(self, _call):
            pass

    class Connecting:
        def create_client(self, kind, name):
            made.append(Deaf() if not made else world.robot.create_client(kind, name))
            return made[-1]

        def destroy_client(self, client):
            assert client is made[0]

    world.robot.create_service(Trigger, "asked", lambda _request, answer: answer)
    asking = Asking(Connecting(), Trigger, "asked", heard.append)
    world.spin_until(lambda: heard, lambda: asking.ask(Trigger.Request()))

    assert len(made) == 2
