"""Reads reviews from Kafka: prints one a line, and keeps the exact bytes in a folder where one is named.

pip install confluent-kafka
python3 kafka_consumer.py localhost:9092 raw-reviews analytics [--raw FOLDER] [--limit N]
"""

import argparse
import json
import pathlib

from confluent_kafka import Consumer, KafkaException

from headwater_event import event_of, raw_of

parser = argparse.ArgumentParser()
parser.add_argument("brokers")
parser.add_argument("topic")
parser.add_argument("group")
parser.add_argument("--raw", type=pathlib.Path)
parser.add_argument("--limit", type=int)
args = parser.parse_args()

consumer = Consumer(
    {
        "bootstrap.servers": args.brokers,
        "group.id": args.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([args.topic])
left = args.limit
while left is None or left > 0:
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error():
        raise KafkaException(message.error())
    body = message.value()
    event = event_of(body)
    raw = raw_of(body, event)
    if args.raw:
        (args.raw / event["recordkey"]).write_bytes(raw)
    print(json.dumps({"id": event["id"], "product": event["subject"], "bytes": len(raw)}), flush=True)
    # What was handled is committed, and nothing before: what is not comes again.
    consumer.commit(message, asynchronous=False)
    left = None if left is None else left - 1
consumer.close()
