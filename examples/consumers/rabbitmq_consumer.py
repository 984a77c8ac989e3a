"""Reads reviews from RabbitMQ: prints one a line, and keeps the exact bytes in a folder where one is named.

pip install pika
headwater groups add analytics                    # makes the queues of the group, once
python3 rabbitmq_consumer.py amqp://localhost headwater.raw-reviews.analytics [--raw FOLDER] [--limit N]
"""

import argparse
import json
import pathlib

import pika

from headwater_event import event_of, raw_of

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("group", help="the exchange of the group: PREFIX TOPIC . GROUP")
parser.add_argument("--queues", type=int, default=4, help="how many queues the group has: queue.queues")
parser.add_argument("--raw", type=pathlib.Path)
parser.add_argument("--limit", type=int)
args = parser.parse_args()

connection = pika.BlockingConnection(pika.URLParameters(args.url))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)
left = args.limit


def handle(channel, delivery, _properties, body):
    global left
    event = event_of(body)
    raw = raw_of(body, event)
    if args.raw:
        (args.raw / event["recordkey"]).write_bytes(raw)
    print(json.dumps({"id": event["id"], "product": event["subject"], "bytes": len(raw)}), flush=True)
    # What was handled is acknowledged, and nothing before: what is not comes again.
    channel.basic_ack(delivery.delivery_tag)
    if left is not None:
        left -= 1
        if left <= 0:
            channel.stop_consuming()


# Every product is in one queue, and each queue serves one consumer at a time, so that the order is kept.
for number in range(args.queues):
    channel.basic_consume(f"{args.group}.{number}", handle)
channel.start_consuming()
connection.close()
