"""Runs a command with an S3 server of its own: `with_moto.py COMMAND ...`."""

import logging
import os
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "norgay-tests"


def main() -> int:
    # A line for each request helps nobody.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": "us-east-1"}
        boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=keys["AWS_REGION"],
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        ).create_bucket(Bucket=BUCKET)
        ours = {"NORGAY_TEST_S3_ENDPOINT": endpoint, "NORGAY_TEST_S3_BUCKET": BUCKET}
        return subprocess.run(sys.argv[1:], env=os.environ | keys | ours, check=False).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
